"""What is sold: the configuration and the ledger, and who changes them."""

import random
import signal
import sqlite3
import threading
import time
from contextlib import closing

from broker import PUBLISHER, Paywall

# Of what is sold and what is free there are topics with numbers, a sensor each.
LIVE, FREE, ACCOUNT = "sensor/live", "sensor/1m", "$SYS/paywall/account"
NANOS_PER_S = 1000
OFFER = "live"
FRIENDS = [f"friend-{number}" for number in range(5)]


class Shop(Paywall):
    """The plugin's configuration, which changes, and its ledger."""

    def __init__(self, folder, plugin, node, seller):
        self.folder, self.plugin, self.node, self.seller = folder, plugin, node, seller
        self.ledger = folder / "paywall.db"
        self.file = folder / "paywall.toml"
        self.nanos_per_s, self.friends, self.extra = NANOS_PER_S, False, False
        self.written = {}
        self.write()

    def write(self):
        friends = "".join(
            f'[[account]]\nusername = "{name}"\nread = ["{LIVE}/+"]\n' for name in FRIENDS)
        extra = '[[offer]]\nname = "extra"\ntopics = ["sensor/extra"]\nprice = "1 i"\nper = "1s"\n'
        self.file.write_text(
            'ledger = "paywall.db"\nsecret_file = "paywall.key"\nrealm = "localhost"\n'
            f'[tangle]\nnodes = ["{self.node["node"]}"]\naddress = "{self.seller}"\n'
            f'network = "{self.node["chainIdentifier"]}"\n[access]\nfree = ["{FREE}/+"]\n'
            f'[[offer]]\nname = "{OFFER}"\ntopics = ["{LIVE}/+"]\n'
            f'price = "{self.nanos_per_s} nanos"\nper = "1s"\nminimum = "1s"\n'
            f'{extra if self.extra else ""}{friends if self.friends else ""}'
            f'[[account]]\nusername = "{PUBLISHER}"\npublish = ["sensor/#"]\n')

    def change(self, chance):
        """Writes another configuration, or the same; says what is different."""
        what = chance.choice(["nothing", "price", "friends", "offers", "broken"])
        if what == "price":
            self.nanos_per_s = NANOS_PER_S + 500 * chance.randrange(2)
        elif what == "friends":
            self.friends = not self.friends
        elif what == "offers":
            self.extra = not self.extra
        self.write()
        if what == "broken":
            self.file.write_text("price = of = nothing\n")
        return what

    def add_rows(self, rows):
        """Writes an admin's own grants: account, kind, and for how many milliseconds from now."""
        with closing(sqlite3.connect(self.ledger, timeout=30, isolation_level=None)) as db:
            # Checkpoints are the broker's to make.
            db.execute("PRAGMA wal_autocheckpoint = 0")
            db.execute("BEGIN IMMEDIATE")
            now = time.time() * 1000
            db.executemany(
                "INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES (?,?,?,?,?)",
                [(account, OFFER, kind, int(now), int(now + span)) for account, kind, span in rows])
            db.execute("COMMIT")
        # A disk that is busy makes others see it later than the rows say.
        written = time.time() * 1000
        self.written |= {(account, int(now)): written for account, _, _ in rows}


def user(account):
    """The name to log in with."""
    return account.removeprefix("buyer:")


class Activity(threading.Thread):
    """Something that is done again and again, at random moments, until it is stopped."""

    def __init__(self, name, mean_s, seed, act):
        super().__init__(daemon=True)
        self.chance = random.Random(f"{seed} {name}")
        self.mean_s, self.act = mean_s, act
        self.stopped, self.error, self.count = threading.Event(), None, 0

    def run(self):
        try:
            while not self.stopped.wait(self.chance.expovariate(1 / self.mean_s)):
                self.act(self.chance)
                self.count += 1
        except BaseException as error:
            self.error = error

    def stop(self):
        self.stopped.set()
        self.join()
        if self.error:
            raise self.error


def hang_up(*brokers):
    for broker in brokers:
        broker.process.send_signal(signal.SIGHUP)
