"""When an account could read, by the ledger; and how far from that a delivery was, or a miss."""

import bisect
import sqlite3
from collections import namedtuple
from contextlib import closing

# What gives or takes access, from when until when; when the broker could learn of it; and whether
# the end is exact.
Row = namedtuple("Row", "gives starts_ms ends_ms learned_ms is_exact")


def read(ledger, offer, told, written):
    """The rows of each account. A payment is known when its buyer is told: the ledger says when it
    was first seen, which may be before its checkpoint. An admin's row is once it is written."""
    accounts = {}
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT account, kind, starts_at, ends_at, payment FROM grants WHERE offer = ?",
            (offer,))
        for account, kind, starts, ends, payment in rows:
            learned = told.get(payment, written.get((account, starts), starts))
            accounts.setdefault(account, []).append(
                Row(kind != "revoked", starts, ends, learned, True))
    return accounts


def at_most(rows, known_ms):
    """When an account may be able to read: what was taken counts when it has to be known."""
    return Access([
        (row.gives, row.starts_ms if row.gives else max(row.starts_ms, row.learned_ms + known_ms),
         row.ends_ms + (0 if row.is_exact else known_ms)) for row in rows])


def at_least(rows, known_ms):
    """When an account must be able to read: what was given counts when it has to be known."""
    return Access([
        (row.gives, max(row.starts_ms, row.learned_ms + known_ms) if row.gives else row.starts_ms,
         row.ends_ms) for row in rows])


def lateness(rows, window, gives, known_ms):
    """For how long the broker has not known yet of what gives access, or takes it."""
    first, last = window
    return max((first - max(row.starts_ms, row.learned_ms) for row in rows
                if row.gives == gives and row.starts_ms <= last and row.ends_ms > first
                and row.learned_ms + known_ms > first), default=0)


class Access:
    """Access = (bought ∪ granted ∪ made good) − revoked, as the times of its edges in turn: the first
    begins it, the second ends it, and so on."""

    def __init__(self, rows):
        steps = []
        for gives, starts, ends in rows:
            if starts < ends:
                steps += [(starts, gives, 1), (ends, gives, -1)]
        self.edges, given, revoked = [], 0, 0
        for at, group in grouped(sorted(steps)):
            for _, gives, by in group:
                given, revoked = given + by * gives, revoked + by * (not gives)
            if (given > 0 and revoked == 0) != self.is_open(len(self.edges)):
                self.edges.append(at)

    @staticmethod
    def is_open(edges):
        return edges % 2 == 1

    def deviation(self, window, was_delivered):
        """How many milliseconds lie between the moment of a decision, which is somewhere in the
        window, and one at which it would have been right; and the edge between them. (0, None)
        where it is right, (inf, None) where no moment would be."""
        first, last = window
        before = bisect.bisect_right(self.edges, first)
        if before != bisect.bisect_right(self.edges, last):
            return 0, None
        if self.is_open(before) == was_delivered:
            return 0, None
        near = [(first - edge, edge) for edge in self.edges[max(0, before - 1):before]]
        near += [(edge - last, edge) for edge in self.edges[before:before + 1]]
        return min(near, default=(float("inf"), None), key=lambda pair: pair[0])


def grouped(steps):
    """Steps of the same moment together."""
    at = 0
    while at < len(steps):
        end = at
        while end < len(steps) and steps[end][0] == steps[at][0]:
            end += 1
        yield steps[at][0], steps[at:end]
        at = end
