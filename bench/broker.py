"""Mosquitto, configured for measuring, and the access rules that are compared."""

import base64
import hashlib
import json
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from process import Child, await_

PASSWORD = "secret"
PUBLISHER = "publisher"


def topic(index):
    return f"sensors/{index:04}/power"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def dynamic_security():
    """The path of Mosquitto's own plugin, which Debian's package brings."""
    files = subprocess.run(["dpkg", "-L", "mosquitto"], capture_output=True, text=True).stdout
    for line in files.splitlines():
        if line.endswith("dynamic_security.so"):
            return line
    raise SystemExit("mosquitto_dynamic_security.so is missing; install Debian's package mosquitto")


class Broker(Child):
    """A broker of its own folder, which accepts clients when its `with` block is entered."""

    def __init__(self, folder, lines=(), wrapper=()):
        self.folder = Path(folder)
        self.port = free_port()
        configuration = [
            f"listener {self.port} 127.0.0.1", f"user {pwd.getpwuid(os.getuid()).pw_name}",
            "persistence false", "set_tcp_nodelay true", "sys_interval 0",
            # Nothing is dropped.
            "max_queued_messages 0", "max_inflight_messages 0",
            "log_type error", "log_type warning", "allow_anonymous false", *lines,
        ]
        file = self.folder / "mosquitto.conf"
        file.write_text("\n".join(configuration) + "\n")
        mosquitto = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        self.started = time.monotonic()
        super().__init__(*wrapper, mosquitto, "-c", file, log=self.folder / "broker.log")

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        try:
            await_("the broker answers", self.answers, timeout_s=300, pause_s=0.001)
        except BaseException:
            self.__exit__()
            raise
        self.ready_s = time.monotonic() - self.started
        return self

    def answers(self):
        """Whether it answers a CONNECT, be it with a refusal.

        It listens before its loop runs, and forgets a SIGTERM that comes in between.
        """
        self.check_running()
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
            client.settimeout(60)
            client.sendall(b"\x10\x0f\0\4MQTT\4\2\0\0\0\3who")
            return client.recv(4)[:2] == b"\x20\2"


def hashed(password, iterations):
    """PBKDF2 with SHA-512 and a salt of 12 bytes, as Mosquitto keeps passwords."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return base64.b64encode(salt).decode(), base64.b64encode(key).decode()


def password_file(folder, names, iterations):
    """Gives the configuration's line for a `password_file` of these users."""
    salt, key = hashed(PASSWORD, iterations)
    file = folder / "passwords"
    file.write_text("".join(f"{name}:$7${iterations}${salt}${key}\n" for name in names))
    file.chmod(0o600)
    return f"password_file {file}"


# --- The rules that are compared ----------------------------------------------------------------
# Each writes its files into `folder` and gives lines of mosquitto.conf. Of `rules` rules the last
# one is about what is published. "reader" may read it, "stranger" may not.


def acl_file(folder, rules):
    first = 1000 - rules
    lines = [f"user {PUBLISHER}", "topic write sensors/#", "user reader"]
    lines += [f"topic read {topic(index)}" for index in range(first, 1000)]
    lines += ["user stranger"]
    lines += [f"topic read {topic(index + 1000)}" for index in range(first, 1000)]
    file = folder / "acl"
    file.write_text("\n".join(lines) + "\n")
    return [f"acl_file {file}"]


def dynamic_security_file(folder, rules, iterations=1):
    def client(name):
        salt, key = hashed(PASSWORD, iterations)
        return {"username": name, "salt": salt, "password": key, "iterations": iterations,
                "roles": [{"rolename": name}]}

    def role(name, kind, filters):
        acls = [{"acltype": kind, "topic": text, "allow": True} for text in filters]
        return {"rolename": name, "acls": acls}

    first = 1000 - rules
    data = {
        "defaultACLAccess": {"publishClientSend": False, "publishClientReceive": False,
                             "subscribe": True, "unsubscribe": True},
        "clients": [client(name) for name in (PUBLISHER, "reader", "stranger")],
        "roles": [
            role(PUBLISHER, "publishClientSend", ["sensors/#"]),
            role("reader", "publishClientReceive", map(topic, range(first, 1000))),
            role("stranger", "publishClientReceive", map(topic, range(first + 1000, 2000))),
        ],
    }
    file = folder / "dynamic-security.json"
    file.write_text(json.dumps(data))
    return [f"plugin {dynamic_security()}", f"plugin_opt_config_file {file}"]


class Paywall:
    """The plugin, with its configuration and a ledger to write to before the broker starts."""

    def __init__(self, folder, plugin, offers=1, node="http://127.0.0.1:1", network="00000000",
                 address="0x" + "5e" * 32, since=None):
        self.folder, self.plugin = folder, plugin
        self.ledger = folder / "paywall.db"
        first = 1000 - offers
        names = "".join(
            f'[[offer]]\nname = "offer-{index}"\ntopics = ["{topic(index)}"]\n'
            'price = "500 i"\nper = "1h"\nminimum = "1s"\n' for index in range(first, 1000))
        (folder / "paywall.toml").write_text(
            'ledger = "paywall.db"\nsecret_file = "paywall.key"\nrealm = "localhost"\n'
            f'[tangle]\nnodes = ["{node}"]\nnetwork = "{network}"\naddress = "{address}"\n'
            f'{f"since = {since}" if since else ""}\n'
            f'{names}[[account]]\nusername = "{PUBLISHER}"\npublish = ["sensors/#"]\n')

    @property
    def lines(self):
        return [f"plugin {self.plugin}", f"plugin_opt_config_file {self.folder}/paywall.toml"]

    def make_ledger(self, other_lines=()):
        """Lets the plugin make its ledger, so that others can be written into it."""
        with Broker(self.folder, [*self.lines, *other_lines]):
            pass

    def add_buyers(self, names):
        """Adds buyers' accounts, whose passwords are hashed as the plugin does it."""
        def keyed(text, key):
            return hashlib.blake2b(text, key=key, digest_size=32).digest()

        master = bytes.fromhex((self.folder / "paywall.key").read_text())
        key = keyed(b"mqtt-paywall passwords", master)
        rows = [(f"buyer:{name}", keyed(bytes([len(name)]) + (name + PASSWORD).encode(), key).hex())
                for name in names]
        with sqlite3.connect(self.ledger) as ledger:
            ledger.executemany("INSERT INTO accounts VALUES (?, 'buyer', ?, 0)", rows)
        ledger.close()

    def grant(self, grants):
        """Gives access for a day: pairs of an account and the number of an offer."""
        now = int(time.time() * 1000)
        with sqlite3.connect(self.ledger) as ledger:
            ledger.executemany(
                "INSERT INTO grants (account, offer, kind, starts_at, ends_at)"
                " VALUES (?, ?, 'granted', ?, ?)",
                [(account, f"offer-{offer}", now - 60_000, now + 86_400_000)
                 for account, offer in grants])
        ledger.close()
