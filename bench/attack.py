"""What a subscriber feels of strangers that log in with wrong passwords."""

import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles

from broker import PASSWORD, PUBLISHER, Broker, Paywall, password_file, topic
from latency import Publisher
from process import Child, await_

AT_ONCE = 50
READER = "reader"


class Delays(threading.Thread):
    """Milliseconds from the sending of a message to its arrival at a subscriber."""

    def __init__(self, subscriber):
        super().__init__(daemon=True)
        self.subscriber, self.ms = subscriber, []

    def run(self):
        for line in self.subscriber.process.stdout:
            arrived, _, sent = line.partition(" ")
            self.ms.append((float(arrived) - float(sent)) * 1000)

    def take(self):
        taken, self.ms = self.ms, []
        return taken


def measure(folder, tools, plugin, logins, quiet_s):
    """Percentiles of delays without and with wrong logins, and how many of those a second."""
    folder = Path(folder)
    paywall = Paywall(folder, plugin)
    passwords = password_file(folder, [PUBLISHER, READER], iterations=101)
    paywall.make_ledger([passwords])
    paywall.grant([(READER, 999)])
    wrong = folder / "wrong"
    wrong.write_text("".join(f"buyer-{index} wrong\n" for index in range(100)))
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(folder, [*paywall.lines, passwords]))
        subscriber = stack.enter_context(Child(
            "stdbuf", "-oL", "mosquitto_sub", "-p", broker.port, "-u", READER, "-P", PASSWORD,
            "-t", topic(999), "-F", "%U %p", stdout=subprocess.PIPE, text=True))
        delays = Delays(subscriber)
        delays.start()
        stack.enter_context(Publisher(broker))
        await_("a message arrives", lambda: delays.ms)
        delays.take()
        time.sleep(quiet_s)
        quiet = delays.take()
        done = subprocess.run(
            [tools / "logins", str(broker.port), wrong, str(logins), str(AT_ONCE), "5"],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"logins: {done.stderr.strip()}\n{broker.last_words()}")
        attacked = delays.take()
    return {"quiet": percentiles(quiet), "attacked": percentiles(attacked),
            "per_s": logins / float(done.stdout), "messages": len(attacked)}


def percentiles(delays):
    if len(delays) < 20:
        raise SystemExit(f"{len(delays)} messages are too few to tell delays by")
    cuts = quantiles(delays, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98], "max": max(delays)}
