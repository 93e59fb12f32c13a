#!/usr/bin/env python3
"""A broker with the plugin that is reloaded, or reads payments, again and again, and what it keeps of
that. See scripts/sanitize.

Usage: leaks.py FOLDER [--reloads N] [--payments N] [--valgrind-payments N] [--only PART]

FOLDER has the plugin and the development kit. Under valgrind no more may be lost after all
reloads than after ten, nor after all payments than after a tenth of them, and no memory may be read
that is not the broker's. Without valgrind the broker's own memory may not grow with either.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from broker import PASSWORD, PUBLISHER, Broker, Paywall, password_file, topic  # noqa: E402
from catchup import DAYS, SELLER, check, recorded  # noqa: E402
from process import Child, await_, memory_bytes  # noqa: E402

# What a thousand reloads, or ten times as many payments, may leave: as scripts/bench has it, for what
# an allocator keeps.
GROWTH_BYTES = 5_000_000
SETTLING_S = 20


class Place:
    """A tangle, and a broker's folder with what it reads."""

    def __init__(self, stack, folder, bin_, payments):
        self.folder = Path(folder)
        self.folder.mkdir()
        tangle = stack.enter_context(Child(
            bin_ / "paywall-devkit", "tangle", "--port", 0, "--faucet-port", 0, "--json",
            "--payments", payments, "--payments-to", SELLER, "--payments-days", DAYS,
            log=self.folder / "tangle.log", stdout=subprocess.PIPE, text=True))
        node = json.loads(tangle.process.stdout.readline())
        self.since = datetime.now(timezone.utc) - timedelta(days=DAYS + 1)
        self.node, self.network = node["node"], node["chainIdentifier"]
        self.plugin = bin_ / "mosquitto_paywall.so"
        self.passwords = password_file(self.folder, ["reader", PUBLISHER], iterations=1)
        self.paywall = Paywall(
            self.folder, self.plugin, node=self.node, network=self.network, address=SELLER,
            since=self.since.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.configuration = self.folder / "paywall.toml"
        self.text = self.configuration.read_text()
        self.broker_log = self.folder / "broker.log"
        self.valgrind_log = self.folder / "valgrind.log"

    def broker(self, stack, under_valgrind):
        """Starts a broker, and two clients that talk to each other over it."""
        suppressions = Path(__file__).with_name("valgrind.supp")
        wrapper = [
            # Swift's runtime tests what it has not set when it makes a type (swift_initStructMetadata),
            # and a stripped plugin does not say that it was the runtime.
            "valgrind", "--undef-value-errors=no", "--fair-sched=yes", "--leak-check=full",
            "--errors-for-leak-kinds=none", "--num-callers=30", f"--suppressions={suppressions}",
            f"--log-file={self.valgrind_log}",
        ] if under_valgrind else []
        broker = stack.enter_context(Broker(
            self.folder, [*self.paywall.lines, self.passwords, "log_type notice",
                          "log_type information"], wrapper))
        common = ["-h", "127.0.0.1", "-p", broker.port, "-P", PASSWORD, "-q", 1]
        stack.enter_context(Child(
            "mosquitto_sub", *common, "-u", "reader", "-t", "sensors/#", "-t", "$SYS/paywall/#",
            stdout=subprocess.DEVNULL))
        stack.enter_context(Child(
            "mosquitto_pub", *common, "-u", PUBLISHER, "-t", topic(999), "-m", "41400",
            "--repeat", 1_000_000, "--repeat-delay", 0.2, stdout=subprocess.DEVNULL))
        return broker

    def reload(self, broker, until):
        """Reloads with another configuration each time; waits until each was taken over.

        The offers stay: what was ever sold is kept for good, in the ledger and in memory.
        """
        done = self.reloads()
        while done < until:
            free = f'[access]\nfree = ["free/{done % 3}"]\n'
            self.configuration.write_text(self.text + free)
            broker.process.send_signal(signal.SIGHUP)
            done += 1
            await_(f"reload {done}", lambda: self.reloads() >= done, timeout_s=120, pause_s=0.002)

    def reloads(self):
        return self.broker_log.read_text().count("paywall.toml was read again")

    def await_payments(self, count):
        await_(f"{count} payments are in the ledger",
               lambda: recorded(self.paywall.ledger) >= count, timeout_s=7200, pause_s=0.1)


KINDS = ("definitely lost", "indirectly lost", "possibly lost", "still reachable")


def memory(broker):
    """Bytes and blocks of each kind that valgrind tells apart, and all that it tells."""
    told = subprocess.run(
        ["vgdb", f"--pid={broker.pid}", "leak_check", "full", "definiteleak", "any"],
        capture_output=True, text=True, timeout=600, check=True).stdout
    found = {}
    for kind in KINDS:
        match = re.search(kind + r": ([\d,]+) .*bytes in ([\d,]+) .*blocks", told)
        if not match:
            raise SystemExit(f"valgrind tells nothing of leaks:\n{told}")
        found[kind] = [int(number.replace(",", "")) for number in match.groups()]
    return found, told


def compare(what, count, before, after):
    """Ends the program where memory is lost each time.

    The broker runs on meanwhile, and a few blocks may be in nobody's hands at a moment: what is lost
    each time is at least a block each time.
    """
    for kind in KINDS:
        print(f"  {count} {what}, {kind}: {before[0][kind][0]:,} bytes in {before[0][kind][1]:,} "
              f"blocks, then {after[0][kind][0]:,} in {after[0][kind][1]:,}", flush=True)
    lost = sum(after[0][kind][1] - before[0][kind][1] for kind in KINDS[:3])
    if lost > max(100, count / 10):
        print(after[1], file=sys.stderr)
        raise SystemExit(f"{what} lose memory: {lost} blocks")


def check_errors(place):
    """Ends the program where valgrind saw a wrong access, or did not see the end."""
    text = place.valgrind_log.read_text()
    if "ERROR SUMMARY: 0 errors" not in text:
        raise SystemExit(f"valgrind found errors:\n{text}")


def under_valgrind(folder, bin_, given):
    payments = given.valgrind_payments
    with ExitStack() as stack:
        place = Place(stack, folder / "valgrind", bin_, payments)
        with ExitStack() as clients:
            broker = place.broker(clients, under_valgrind=True)
            place.await_payments(payments // 10)
            before = memory(broker)
            place.await_payments(payments)
            compare("payments", payments, before, memory(broker))
            place.reload(broker, 10)
            before = memory(broker)
            place.reload(broker, given.reloads)
            compare("reloads", given.reloads, before, memory(broker))
        check_errors(place)
        check(place.paywall.ledger, payments)


def settled_bytes(broker):
    """The broker's own memory, once the watcher has given back what it took: the least of a while."""
    least = memory_bytes(broker.pid)["anonymous"]
    for _ in range(SETTLING_S * 5):
        time.sleep(0.2)
        least = min(least, memory_bytes(broker.pid)["anonymous"])
    return least


def native(folder, bin_, given):
    def report(what, before, after):
        print(f"  {what}: {before:,} bytes, then {after:,}", flush=True)
        if after - before > GROWTH_BYTES:
            raise SystemExit(f"{what} let the broker grow by {after - before:,} bytes")

    settled = []
    for payments in (given.payments // 10, given.payments):
        with ExitStack() as stack:
            place = Place(stack, folder / f"native-{payments}", bin_, payments)
            with ExitStack() as clients:
                broker = place.broker(clients, under_valgrind=False)
                place.await_payments(payments)
                settled.append(settled_bytes(broker))
                if payments == given.payments:
                    report(f"{payments} payments instead of a tenth", *settled)
                    place.reload(broker, 10)
                    before = settled_bytes(broker)
                    place.reload(broker, given.reloads)
                    report(f"{given.reloads} reloads", before, settled_bytes(broker))
            check(place.paywall.ledger, payments)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin", type=Path)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--valgrind-payments", type=int, default=100_000)
    parser.add_argument("--only", choices=["native", "valgrind"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("native", native), ("valgrind", under_valgrind)):
            if given.only in (None, name):
                print(name, flush=True)
                part(Path(folder), given.bin.resolve(), given)


main()
