"""Seconds until a long backlog of payments is in the ledger, and the broker's memory meanwhile."""

import json
import signal
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from broker import Broker, Paywall, password_file
from process import Child, await_, cpu_ns, memory_bytes

SELLER = "0x" + "5e" * 32
DAYS = 90


def recorded(ledger):
    """How many payments the ledger holds."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM payments").fetchone()[0]


def check(ledger, payments):
    """Ends the benchmark unless each payment was recorded once, and bought what it is worth."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        counts = db.execute(
            "SELECT (SELECT count(*) FROM payments WHERE state = 'confirmed'),"
            " (SELECT count(DISTINCT payment) FROM grants WHERE kind = 'bought'),"
            " (SELECT sum(ends_at - starts_at) FROM grants WHERE kind = 'bought')").fetchone()
    if counts != (payments, payments, payments * 3_600_000):
        raise SystemExit(f"{payments} payments became {counts}")


def catch_up(place, paywall, passwords, payments, kill_at=None):
    """Runs a broker until all is recorded, or until it is killed in the middle."""
    with Broker(place, [*paywall.lines, passwords]) as broker:
        began = recorded(paywall.ledger)
        goal = kill_at or payments
        started = time.monotonic()
        await_(f"{goal} payments are in the ledger",
               lambda: recorded(paywall.ledger) >= goal, timeout_s=600, pause_s=0.05)
        seconds = time.monotonic() - started + broker.ready_s
        if kill_at:
            broker.process.send_signal(signal.SIGKILL)
            broker.process.wait()
            return {"seconds": seconds, "recorded": recorded(paywall.ledger)}
        result = {"seconds": seconds, "resumed_at": began,
                  "cpu_s": cpu_ns(broker.pid)[1] / 1e9}
        # What the catching up took is given back within a turn or two of the watcher.
        time.sleep(2)
        result |= memory_bytes(broker.pid)
    check(paywall.ledger, payments)
    return result


def measure(folder, plugin, bin_, payments):
    """By kind of run: seconds and resident memory."""
    folder = Path(folder)
    result = {}
    with ExitStack() as stack:
        started = time.monotonic()
        tangle = stack.enter_context(Child(
            bin_ / "paywall-devkit", "tangle", "--port", 0, "--faucet-port", 0, "--json",
            "--payments", payments, "--payments-to", SELLER, "--payments-days", DAYS,
            log=folder / "tangle.log", stdout=subprocess.PIPE, text=True))
        node = json.loads(tangle.process.stdout.readline())
        result["filled"] = {"seconds": time.monotonic() - started}
        since = datetime.now(timezone.utc) - timedelta(days=DAYS + 1)

        def place(name, since=since):
            path = folder / name
            path.mkdir()
            passwords = password_file(path, ["reader"], iterations=1)
            paywall = Paywall(path, plugin, node=node["node"], network=node["chainIdentifier"],
                              address=SELLER, since=since.strftime("%Y-%m-%dT%H:%M:%SZ"))
            return path, paywall, passwords

        idle = place("catchup-idle", datetime.now(timezone.utc))
        with Broker(idle[0], [*idle[1].lines, idle[2]]) as broker:
            time.sleep(2)
            result["idle"] = memory_bytes(broker.pid)
        whole = place("catchup-whole")
        result["whole"] = catch_up(*whole, payments)
        # Once more with the full ledger: what it costs when there is nothing to catch up.
        result["after"] = catch_up(*whole, payments)
        killed = place("catchup-killed")
        result["killed"] = catch_up(*killed, payments, kill_at=payments // 2)
        result["resumed"] = catch_up(*killed, payments)
        result["tangle"] = {"cpu_s": cpu_ns(tangle.process.pid)[1] / 1e9,
                            **memory_bytes(tangle.process.pid)}
    return result
