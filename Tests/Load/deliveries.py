"""Who received what, and whether it was right."""

import sqlite3
from collections import defaultdict
from contextlib import closing

import access
from feed import subscribers
from shop import FRIENDS, OFFER, user

# By as much the broker's clock, which checkpoints set, may be behind.
EXACT_MS = 100
# What somebody else wrote, or the node told, is known within a second.
KNOWN_MS = 1000


def friends_rows(reloads, end_ms):
    """When the configuration let the friends read."""
    rows, since = [], None
    for at, what, may_read in reloads:
        if what == "friends" and may_read:
            since = at
        elif what == "friends":
            rows.append(access.Row(True, since, at, since, False))
            since = None
    return rows + ([access.Row(True, since, end_ms + 60_000, since, False)] if since else [])


class Deliveries:
    """Each message and each account: was it delivered to whom it should, and to nobody else?"""

    def __init__(self, load, messages, told):
        self.counts, self.worst, self.wrong = defaultdict(int), {}, []
        rows = access.read(load.shop.ledger, OFFER, told, load.shop.written)
        end = max(feed.windows[-1][1] for feed in load.feeds)
        rows |= dict.fromkeys(FRIENDS, friends_rows(load.reloads, end))
        for account, feed in subscribers(load):
            numbers = [int(text) for text in messages[user(account)]]
            if len(set(numbers)) != len(numbers):
                self.wrong.append(f"{account} received a message twice")
            self.check(account, rows.get(account, []), set(numbers), feed.windows)

    def check(self, account, rows, numbers, windows):
        least, most = access.at_least(rows, KNOWN_MS), access.at_most(rows, KNOWN_MS)
        at_once = access.at_least(rows, 0), access.at_most(rows, 0)
        for number, window in enumerate(windows):
            delivered = number in numbers
            self.counts[delivered] += 1
            deviation, edge = (most if delivered else least).deviation(window, delivered)
            if deviation:
                self.count(delivered, True, deviation)
                if deviation > EXACT_MS:
                    what = "received" if delivered else "missed"
                    where = f"{deviation:.0f} ms from {edge:.0f}" if edge else "without any access"
                    self.wrong.append(
                        f"{account} {what} message {number}, sent at {window[0]:.0f}, {where}")
            elif at_once[delivered].deviation(window, delivered)[0]:
                late = access.lateness(rows, window, not delivered, KNOWN_MS)
                self.count(delivered, False, late)

    def count(self, delivered, is_exact, deviation):
        kind = (delivered, is_exact)
        self.counts[kind] += 1
        self.worst[kind] = max(self.worst.get(kind, 0), deviation)

    def lines(self):
        yield (f"{self.counts[True] + self.counts[False]} decisions checked: {self.counts[True]} "
               f"deliveries, {self.counts[False]} refusals")
        for (delivered, is_exact), text in {
            (True, True): "delivered after the exact end, or before an exact start",
            (False, True): "refused before the exact end, or after an exact start",
            (True, False): "delivered while a revocation became known",
            (False, False): "refused while a payment or grant became known",
        }.items():
            yield (f"  {self.counts[delivered, is_exact]} {text}: by "
                   f"{self.worst.get((delivered, is_exact), 0):.0f} ms at most "
                   f"({EXACT_MS if is_exact else KNOWN_MS} allowed)")


def explain(ledger, accounts, told):
    """The rows of accounts that were wronged."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        for account in accounts:
            for row in db.execute(
                    "SELECT kind, starts_at, ends_at, paid_at, digest, note"
                    " FROM grants LEFT JOIN payments ON payment = digest"
                    " WHERE grants.account = ? ORDER BY starts_at", (account,)):
                print(" ", account, *row, "told at", told.get(row[4]))
