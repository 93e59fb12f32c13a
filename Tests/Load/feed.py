"""What one sensor publishes, and who subscribes."""

from collections import defaultdict

from broker import PASSWORD
from people import Sensor
from shop import ACCOUNT, FREE, LIVE, user
from watch import Listeners

INTERVAL_S, FREE_INTERVAL_S = 0.5, 10


class Feed:
    """A topic that is sold and one that is free, on the broker with the plugin and on the other.

    Sensors publish one after the other, spread over the time between two messages: a broker hands
    out one message to all who subscribe before it does anything else.
    """

    def __init__(self, number, count, accounts):
        self.number, self.phase, self.accounts = number, number / count, accounts
        self.step = 1 / count
        self.topics = {LIVE: f"{LIVE}/{number}", FREE: f"{FREE}/{number}", ACCOUNT: ACCOUNT}

    def listen(self, stack, folder, ports, passwords):
        """Connects the subscribers to both brokers, in that order of ports."""
        users = {user(account): passwords[account] for account in self.accounts}
        names = list(users)
        # Not more than may read beside it, so that this broker has no more to do.
        some, others = names[: len(names) * 3 // 10], names[len(names) * 3 // 10:]
        self.listeners = [
            stack.enter_context(Listeners(
                folder, f"{name}-{self.number}", port, listening,
                *(self.topics[kind] for kind in kinds)))
            for name, port, listening, kinds in (
                ("paywall", ports[0], users, (LIVE, FREE, ACCOUNT)),
                ("plain", ports[1], dict.fromkeys(some, PASSWORD), (LIVE, FREE)),
                ("plain-others", ports[1], dict.fromkeys(others, PASSWORD), (FREE,)))]

    def publish(self, ports):
        """Makes the sensors, which are threads to be started."""
        self.sensors = []
        for port, late in zip(ports, (0, self.step / 2)):
            phase = self.phase + late
            self.sensors += [
                Sensor(port, self.topics[LIVE], INTERVAL_S, INTERVAL_S * phase),
                Sensor(port, self.topics[FREE], FREE_INTERVAL_S,
                       FREE_INTERVAL_S * self.phase + INTERVAL_S * (self.step / 4 + late))]

    @property
    def windows(self):
        """When each message of what is sold was on its way in the broker with the plugin."""
        return self.sensors[0].windows

    def received(self, listeners):
        """What came to the subscribers, the first or the second of `listeners`: by LIVE, FREE or
        ACCOUNT, and by user."""
        kinds = {topic: kind for kind, topic in self.topics.items()}
        messages = {kind: defaultdict(list) for kind in self.topics}
        with open(self.listeners[listeners].received) as file:
            for line in file:
                at, name, topic, payload = line.rstrip("\n").split(" ", 3)
                messages[kinds[topic]][name].append(
                    payload if topic != ACCOUNT else (float(at), payload))
        return messages


def subscribers(load):
    """Each account, with its feed."""
    return ((account, feed) for feed in load.feeds for account in feed.accounts)
