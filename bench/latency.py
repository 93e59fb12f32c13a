"""Milliseconds from a payment's checkpoint to the first message that its account gets."""

import json
import queue
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from broker import PASSWORD, PUBLISHER, Broker, Paywall, password_file, topic
from logins import run
from process import Child

WALLETS = 4
MESSAGES_PER_S = 100
# No divisor of the plugin's interval of polling, or both would keep step, by chance well or badly.
CHECKPOINT_MS = 241
ARRIVAL = re.compile(r"^\d+\.\d+$")


class Publisher(threading.Thread):
    """Publishes at an even rate until it is stopped."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.child = Child(
            shutil.which("mosquitto_pub"), "-p", broker.port, "-u", PUBLISHER, "-P", PASSWORD, "-l",
            "-t", topic(999), stdin=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()
        self.child.__exit__()

    def run(self):
        next_s = time.monotonic()
        while not self.stopped.wait(max(0, next_s - time.monotonic())):
            self.child.process.stdin.write(f"{time.time():.6f}\n")
            next_s += 1 / MESSAGES_PER_S


def first_arrival(broker, account, pay):
    """Pays once the account's client has subscribed; gives when its first message came, in ms."""
    subscriber = Child(
        "stdbuf", "-oL", "mosquitto_sub", "-p", broker.port, "-u", account, "-P", PASSWORD,
        "-t", topic(999), "-d", "-C", "1", "-W", "30", "-F", "%U",
        stdout=subprocess.PIPE, text=True)
    arrival_ms = None
    with subscriber:
        for line in subscriber.process.stdout:
            if line.startswith("Subscribed"):
                pay()
            elif ARRIVAL.match(line.strip()):
                arrival_ms = float(line) * 1000
        # It ends by itself after one message; a SIGTERM meanwhile may make it hang.
        subscriber.process.wait()
    if arrival_ms is None:
        raise SystemExit(f"{account} got no message within 30 seconds: {broker.last_words()}")
    return arrival_ms


def measure(folder, plugin, bin_, payments, seed):
    """One number of milliseconds a payment, in no order."""
    folder = Path(folder)
    place = folder / "latency"
    place.mkdir()
    names = [f"payer-{index}" for index in range(payments)]
    with ExitStack() as stack:
        tangle = stack.enter_context(Child(
            bin_ / "paywall-devkit", "tangle", "--port", 0, "--faucet-port", 0, "--json",
            "--checkpoint-ms", CHECKPOINT_MS,
            log=folder / "tangle.log", stdout=subprocess.PIPE, text=True))
        node = json.loads(tangle.process.stdout.readline())
        seller = run(bin_ / "paywall", "wallet", "new", "--wallet", folder / "seller")["address"]
        wallets = [folder / f"payer-{number}.key" for number in range(WALLETS)]
        for wallet in wallets:
            run(bin_ / "paywall", "wallet", "new", "--wallet", wallet)
            run(bin_ / "paywall", "wallet", "faucet", "--wallet", wallet,
                "--faucet", node["faucet"])
        paywall = Paywall(place, plugin, node=node["node"], network=node["chainIdentifier"],
                          address=seller)
        passwords = password_file(place, [PUBLISHER, *names], iterations=101)
        broker = stack.enter_context(Broker(place, [*paywall.lines, passwords]))
        stack.enter_context(Publisher(broker))
        arrivals = pay_all(broker, bin_, wallets, names, seller, node, seed)
    with sqlite3.connect(paywall.ledger) as ledger:
        rows = ledger.execute(
            "SELECT grants.account, starts_at FROM grants JOIN payments ON payment = digest"
            " AND starts_at = paid_at").fetchall()
    ledger.close()
    if len(rows) != payments:
        raise SystemExit(f"of {payments} payments, {len(rows)} gave access from their checkpoint")
    return [arrivals[account] - starts_at for account, starts_at in rows]


def pay_all(broker, bin_, wallets, names, seller, node, seed):
    """Lets each wallet pay for one account after the other; gives arrivals by account, in ms."""
    todo, arrivals, failures = queue.Queue(), {}, []
    for name in names:
        todo.put(name)

    def pay_some(wallet, chance):
        try:
            while not failures:
                name = todo.get_nowait()
                # Or each payment would follow a message, and so the watcher's last poll.
                time.sleep(chance.uniform(0, 1))
                arrivals[name] = first_arrival(broker, name, lambda: run(
                    bin_ / "paywall", "pay", seller, "500000 nanos", "--username", name, "--yes",
                    "--wallet", wallet, "--node", node["node"],
                    "--network", node["chainIdentifier"]))
        except queue.Empty:
            pass
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=pay_some, args=(wallet, random.Random(f"{seed} {number}")))
               for number, wallet in enumerate(wallets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return arrivals
