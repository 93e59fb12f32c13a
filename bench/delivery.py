"""What a delivery costs the broker, by the rules it has to ask.

A fan is 1000 subscribers of one topic. Either all may read what is published, or only the first
may, so that 999 of 1000 deliveries are denied.
"""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import broker
from broker import PASSWORD, PUBLISHER, Broker, Paywall, topic
from process import Child, cpu_ns

SUBSCRIBERS = 1000
BUYERS = [f"buyer-{index}" for index in range(SUBSCRIBERS)]
# Who has bought something, but not what is published.
OTHERS = [f"other-{index}" for index in range(SUBSCRIBERS - 1)]
LOADS = ("allowed", "denied")
# Unless it is told not to, the broker compares an MQTT 3 client with all that got the message
# before it. With 1000 subscribers that is most of its work, and hides what rules cost: it is told
# not to, but for a third count.
ONCE = "allowed once"
TITLES = {
    "allowed": "All of 1000 subscribers may read",
    "denied": "999 of 1000 subscribers may not read",
    ONCE: "All of 1000 subscribers may read, allow_duplicate_messages false",
}
OURS = ("paywall 1", "paywall 1000")
LONG = ("acl_file 1000", "dynamic-security 1000")


class Setup:
    """One kind of rules: what goes into mosquitto.conf, and who subscribes in both fans."""

    def __init__(self, name, allowed=("reader",) * SUBSCRIBERS,
                 denied=("reader",) + ("stranger",) * (SUBSCRIBERS - 1)):
        self.name = name
        self.users = {"allowed": allowed, "denied": denied}

    def lines(self, folder, tools, plugin, load):
        """Writes what the broker needs into `folder`; gives lines of mosquitto.conf."""
        duplicates = "false" if load == ONCE else "true"
        return [f"allow_duplicate_messages {duplicates}", *self.rules(folder, tools, plugin)]

    def rules(self, folder, tools, plugin):
        kind, _, count = self.name.partition(" ")
        if kind == "dynamic-security":
            return broker.dynamic_security_file(folder, int(count))
        names = {PUBLISHER, *self.users["allowed"], *self.users["denied"]}
        passwords = broker.password_file(folder, names, iterations=1)
        if kind == "acl_file":
            return [passwords, *broker.acl_file(folder, int(count))]
        if kind == "none":
            return [passwords]
        if kind == "least":
            options = ["plugin_opt_thread yes"] if count == "thread" else []
            return [passwords, f"plugin {tools}/one_line.so", *options]
        paywall = Paywall(folder, plugin, offers=int(count))
        paywall.make_ledger([passwords])
        paywall.grant([(name, 999) for name in sorted(set(self.users["allowed"]))])
        if count == "1000":
            paywall.grant([(name, index) for index, name in enumerate(OTHERS)])
        return [*paywall.lines, passwords]


SETUPS = [
    Setup("none"),
    Setup("least"),
    Setup("least thread"),
    Setup("paywall 1"),
    Setup("paywall 1000", allowed=BUYERS, denied=(BUYERS[0], *OTHERS)),
    Setup("acl_file 1"),
    Setup("acl_file 1000"),
    Setup("dynamic-security 1"),
    Setup("dynamic-security 1000"),
]


def describe(name):
    kind, _, count = name.partition(" ")
    return {
        "none": "no plugin, no rules",
        "least": "a plugin of one line of C",
        "least thread": "the same with an idle thread",
        "paywall 1": "paywall, 1 buyer, 1 offer",
        "paywall 1000": "paywall, 1000 buyers, 1000 offers",
    }.get(name, f"{kind}, {count} rule{'s' if count != '1' else ''}")


class Fan(Child):
    """1000 subscribers and a publisher, connected to a broker."""

    def __init__(self, tools, setup, load, at):
        self.broker = at
        # Without rules, everybody may read.
        self.readers = SUBSCRIBERS if load == "allowed" or setup.name == "none" else 1
        users, publisher = at.folder / f"{load}.users", at.folder / "publisher.user"
        users.write_text("".join(f"{name} {PASSWORD}\n" for name in setup.users[load]))
        publisher.write_text(f"{PUBLISHER} {PASSWORD}\n")
        super().__init__(
            tools / "fan", at.port, topic(999), publisher, users, self.readers,
            log=at.folder / "fan.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect_line()

    def expect_line(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.check_running()
        return line

    def publish(self, messages):
        """Publishes so many messages; gives the seconds that took."""
        self.process.stdin.write(f"{messages}\n")
        self.process.stdin.flush()
        return float(self.expect_line())

    def cpu(self, messages):
        """CPU time of the broker, in ns per delivery: main thread, all threads; and the rate."""
        before = cpu_ns(self.broker.pid)
        seconds = self.publish(messages)
        after = cpu_ns(self.broker.pid)
        deliveries = messages * SUBSCRIBERS
        main, process = ((b - a) / deliveries for a, b in zip(before, after))
        return {"main_ns": main, "process_ns": process, "per_s": deliveries / seconds}


def measure(folder, tools, plugin, rounds, seconds):
    """Interleaved rounds over all setups; gives the medians, by load and setup."""
    samples = {}
    for load in LOADS:
        with ExitStack() as stack:
            fans = []
            for number, setup in enumerate(SETUPS):
                if load == "denied" and setup.name == "none":
                    continue
                place = Path(folder) / f"{load}-{number}"
                place.mkdir()
                at = stack.enter_context(Broker(place, setup.lines(place, tools, plugin, load)))
                fan = stack.enter_context(Fan(tools, setup, load, at))
                messages = max(20, int(20 * seconds / fan.publish(20)))
                fans.append((setup.name, fan, messages))
            for _ in range(rounds):
                for name, fan, messages in fans:
                    samples.setdefault((load, name), []).append(fan.cpu(messages))
    return {key: {part: median(sample[part] for sample in rounds) for part in rounds[0]}
            | {"spread": [min(s["main_ns"] for s in rounds), max(s["main_ns"] for s in rounds)]}
            for key, rounds in samples.items()}
