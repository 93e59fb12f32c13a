#!/usr/bin/env python3
"""A thousand subscribers while people pay, time runs out, the seller reloads and the node fails.

See scripts/load.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import report
from broker import PASSWORD, PUBLISHER, Broker, password_file
from feed import Feed
from people import Node, Payers
from process import Child, await_
from shop import FRIENDS, Activity, Shop, hang_up, user
from watch import PROBER, Memory, Probe, compile_tools

# Access begins and ends by the time of checkpoints: within this, the broker's clock is certain.
CHECKPOINT_MS = 97
PAYMENTS_PER_S, ROWS_PER_S, RELOADS_PER_S, FAULTS_PER_S = 3, 0.5, 0.1, 0.15
PAYERS = 8


class Load:
    def __init__(self, given, folder, stack):
        self.given, self.folder, self.stack = given, folder, stack
        self.bin = Path(given.bin).resolve()
        self.reloads = []
        compile_tools(folder, Path(__file__).resolve().parents[2] / "bench")
        self.start_tangle()
        self.gather()
        self.start_brokers()
        self.start_listeners()

    def place(self, name):
        place = self.folder / name
        place.mkdir()
        return place

    def start_tangle(self):
        tangle = self.stack.enter_context(Child(
            self.bin / "paywall-devkit", "tangle", "--port", 0, "--faucet-port", 0, "--json",
            "--checkpoint-ms", CHECKPOINT_MS,
            log=self.folder / "tangle.log", stdout=subprocess.PIPE, text=True))
        self.at = json.loads(tangle.process.stdout.readline())
        self.node = Node(self.at)
        self.seller = "0x" + "5e" * 32
        self.payers = Payers(self.bin, self.folder, self.at, self.seller, PAYERS)

    def gather(self):
        """The subscribers, with their passwords: a fifth get nothing, a fifth what is granted (half
        of them are wallets), the others buy, as accounts of the broker's and as buyers."""
        count = self.given.subscribers
        names = [f"{'buyer:' if number % 2 else ''}reader-{number:04}" for number in range(count)]
        passwords = dict.fromkeys([*names, *FRIENDS], PASSWORD)
        self.unpaid, self.granted = names[: count // 5], names[count // 5: count * 2 // 5]
        self.payers.buyers = names[count * 2 // 5:]
        for number in range(0, len(self.granted), 2):
            address, password = self.payers.make_wallet(f"reader-{number}")
            del passwords[self.granted[number]]
            self.granted[number] = address
            passwords[address] = password
        self.passwords = passwords | self.payers.logins
        self.accounts = list(self.passwords)
        sensors = self.given.sensors
        self.feeds = [Feed(number, sensors, self.accounts[number::sensors])
                      for number in range(sensors)]

    def start_brokers(self):
        place = self.place("paywall")
        brokers_own = [PUBLISHER, PROBER, *(
            name for name in self.accounts if not name.startswith(("buyer:", "0x")))]
        passwords = password_file(place, brokers_own, iterations=1)
        self.shop = Shop(place, self.bin / "mosquitto_paywall.so", self.at, self.seller)
        self.shop.make_ledger([passwords])
        self.shop.add_buyers([user(name) for name in self.accounts if ":" in name])
        chance = random.Random(f"{self.given.seed} start")
        span_ms = self.given.seconds * 1000
        self.shop.add_rows([
            *((name, "granted", span_ms * chance.uniform(0.05, 1.2)) for name in self.granted),
            *((name, "granted", span_ms * chance.uniform(0.01, 0.4))
              for name in chance.sample(self.payers.buyers, len(self.payers.buyers) // 2))])
        self.broker = self.stack.enter_context(Broker(place, [*self.shop.lines, passwords]))
        # The same without the plugin.
        place = self.place("plain")
        names = [PUBLISHER, PROBER, *map(user, self.accounts)]
        passwords = password_file(place, names, iterations=1)
        self.plain = self.stack.enter_context(Broker(place, [passwords]))

    def start_listeners(self):
        ports = self.broker.port, self.plain.port
        for feed in self.feeds:
            feed.listen(self.stack, self.folder, ports, self.passwords)
        self.listeners = [each for feed in self.feeds for each in feed.listeners]
        self.probes = [
            self.stack.enter_context(Probe(self.folder, name, at, self.given.seed))
            for name, at in (("probe", self.broker), ("probe-plain", self.plain))]

    def reload(self, chance):
        what = self.shop.change(chance)
        at = time.time() * 1000
        hang_up(self.broker)
        self.reloads.append((at, what, self.shop.friends))
        # Not both at once, for they would be in each other's way.
        time.sleep(1)
        hang_up(self.plain)

    def write_rows(self, chance):
        """Grants and revocations by hand, for one or for many."""
        kind = chance.choice(["granted", "granted", "revoked"])
        accounts = [*self.granted, *self.payers.buyers]
        some = chance.sample(accounts, min(chance.choice([1, 1, 1, 10, 30]), len(accounts)))
        self.shop.add_rows([
            (name, kind, 1000 * chance.uniform(1, 60 if kind == "granted" else 15))
            for name in some])

    def run(self):
        seed = self.given.seed
        for feed in self.feeds:
            feed.publish((self.broker.port, self.plain.port))
        self.sensors = [sensor for feed in self.feeds for sensor in feed.sensors]
        payers = [Activity(f"payer {number}", PAYERS / PAYMENTS_PER_S, seed, self.payers.pay)
                  for number in range(PAYERS)]
        self.activities = [
            *payers, Activity("rows", 1 / ROWS_PER_S, seed, self.write_rows),
            Activity("reloads", 1 / RELOADS_PER_S, seed, self.reload),
            Activity("faults", 1 / FAULTS_PER_S, seed, self.node.fail)]
        self.memories = [Memory(self.broker, self.shop.ledger), Memory(self.plain)]
        everything = [*self.sensors, *self.activities, *self.memories]
        for thread in everything:
            thread.start()
        end = time.monotonic() + self.given.seconds
        while time.monotonic() < end:
            time.sleep(0.5)
            for child in (self.broker, self.plain, *self.listeners, *self.probes):
                child.check_running()
            for thread in [*self.sensors, *self.activities]:
                if not thread.is_alive():
                    thread.stop()
        for thread in everything:
            thread.stop()
        self.end()

    def end(self):
        self.node.set()
        await_("all payments are in the ledger", lambda: (
            self.payers.made.keys() <= report.recorded(self.shop.ledger).keys()), pause_s=0.1)
        for child in (*self.probes, *self.listeners):
            child.end()
        # The last one may have been broken.
        self.shop.write()
        self.verified = subprocess.run(
            [self.bin / "paywall", "verify", "--config", self.shop.file, "--json"],
            capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--sensors", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--bin", default="dist")
    given = parser.parse_args()
    # So that brokers and files go when it is told to end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        load = Load(given, Path(folder), stack)
        load.run()
        failures = report.report(load)
    for failure in failures:
        print(f"FAIL {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
