"""Seconds from the broker's start to its first CONNACK with a large ledger, and its memory."""

import shutil
import sqlite3
import time
from pathlib import Path
from statistics import median

from broker import Broker, Paywall, password_file
from process import memory_bytes

ACCOUNTS = 200_000


def fill(ledger, payments, active):
    """Writes payments of 200 000 accounts by turns; each bought an hour, but the last `active` of
    them time that still runs."""
    now = int(time.time() * 1000)
    with sqlite3.connect(ledger) as db:
        db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
        db.execute("BEGIN")
        db.execute(
            """INSERT INTO accounts
               WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
               SELECT 'user-' || i, 'broker', NULL, ?2 FROM n""", (ACCOUNTS, now - 86_400_000 * 30))
        # Base58 has no 0; 44 digits of which the first is small are 32 bytes.
        db.execute(
            """INSERT INTO payments
                 (digest, payer, verified, amount, memo, checkpoint, paid_at, seen_at, state,
                  account, offer)
               WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
               SELECT '5' || substr(replace(hex(randomblob(22)), '0', 'G'), 2),
                 '0x' || lower(hex(randomblob(32))), 1, 500000,
                 '{"username":"user-' || (i % ?2) || '"}', i, ?3 + i, ?3 + i, 'confirmed',
                 'user-' || (i % ?2), 'offer-999' FROM n""",
            (payments, ACCOUNTS, now - 7 * 86_400_000))
        db.execute(
            """INSERT INTO grants (account, offer, kind, starts_at, ends_at, payment, version)
               SELECT account, offer, 'bought', paid_at,
                 iif(checkpoint < ?1, paid_at + 3600000, ?2), digest,
                 (SELECT max(id) FROM offers WHERE name = 'offer-999')
               FROM payments ORDER BY checkpoint""",
            (payments - active, now + 86_400_000))
        # Who changes grants leaves a note for the broker, which is not what is measured here.
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'changes'").fetchone():
            db.execute("DELETE FROM changes")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found = db.execute(
            "SELECT count(DISTINCT account) FROM grants WHERE ends_at > ?", (now,)).fetchone()[0]
    if found != active:
        raise SystemExit(f"{found} accounts are active instead of {active}")
    db.close()


def measure(folder, plugin, payments, active, rounds):
    """By number of active buyers: seconds to the first CONNACK, and resident memory."""
    folder = Path(folder)
    result = {}
    for count in (active, 0):
        place = folder / f"start-{count}"
        place.mkdir()
        passwords = password_file(place, ["reader"], iterations=1)
        paywall = Paywall(place, plugin)
        paywall.make_ledger([passwords])
        fill(paywall.ledger, payments, count)
        starts = []
        for _ in range(rounds):
            with Broker(place, [*paywall.lines, passwords]) as broker:
                starts.append({"seconds": broker.ready_s} | memory_bytes(broker.pid))
        result[count] = {part: median(start[part] for start in starts) for part in starts[0]}
        result[count]["ledger_bytes"] = paywall.ledger.stat().st_size
        shutil.rmtree(place)
    return result
