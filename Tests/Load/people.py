"""Who acts beside the seller: payers, the node, the sensor."""

import json
import queue
import socket
import subprocess
import threading
import time
import urllib.request

from broker import PASSWORD, PUBLISHER
from shop import NANOS_PER_S

# Of what the node may do wrong; `wrongNetwork` and `timeSkew` need others to be caught out by.
FAULTS = [
    {"kind": "slow", "value": 1500}, {"kind": "slow", "value": 4000, "probability": 0.5},
    {"kind": "tooManyRequests"}, {"kind": "serverError"}, {"kind": "malformed"},
    {"kind": "truncated"}, {"kind": "duplicate"}, {"kind": "reorder"},
    {"kind": "missingBalanceChanges"}, {"kind": "nullCursor"}, {"kind": "stuckCheckpoints"},
    {"kind": "serverError", "probability": 0.5}, {"kind": "down", "value": 5000},
]


class Payers:
    """Wallets that pay, one payment each at a time."""

    def __init__(self, bin_, folder, node, seller, count):
        self.command, self.folder, self.node, self.seller = bin_ / "paywall", folder, node, seller
        self.buyers, self.made, self.failures = [], {}, 0
        self.wallets, self.logins = queue.Queue(), {}
        for number in range(count):
            name = f"payer-{number}"
            address, password = self.make_wallet(name)
            self.logins[address] = password
            self.run("wallet", "faucet", "--wallet", self.key(name), "--faucet", node["faucet"])
            self.wallets.put((self.key(name), address))

    def key(self, name):
        return self.folder / f"{name}.key"

    def make_wallet(self, name):
        """Gives address and password of a new wallet."""
        self.run("wallet", "new", "--wallet", self.key(name))
        login = self.run("wallet", "sign-login", "localhost", "--wallet", self.key(name))
        return login["username"], login["password"]

    def run(self, *words):
        """What the command says, or nothing where it failed."""
        done = subprocess.run([str(word) for word in (self.command, *words)],
                              capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def pay(self, chance):
        """Pays for a buyer, or for the wallet itself; mostly for seconds or minutes, at times too
        little for any. A node that fails may refuse it, or take it and not say so."""
        nanos = NANOS_PER_S * chance.choice([0.4, 5, 20, 60, 120, 240]) * chance.uniform(0.8, 1.2)
        buyer = None if chance.random() < 0.05 else chance.choice(self.buyers)
        memo = ["--username", buyer] if buyer else []
        wallet, address = self.wallets.get()
        paid = self.run(
            "pay", self.seller, f"{int(nanos)} nanos", *memo, "--yes", "--wallet", wallet,
            "--node", self.node["node"], "--network", self.node["chainIdentifier"])
        self.wallets.put((wallet, address))
        if paid:
            self.made[paid["digest"]] = (buyer or address, int(nanos))
        else:
            self.failures += 1


class Node:
    """The tangle's node, which fails for seconds."""

    def __init__(self, node):
        self.url = node["faucet"] + "/devkit/faults"
        self.spans = []

    def set(self, *faults):
        request = urllib.request.Request(
            self.url, json.dumps({"faults": faults, "seed": 7}).encode(),
            {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()

    def fail(self, chance):
        fault = chance.choice(FAULTS)
        began = time.time()
        self.set(fault)
        time.sleep(chance.uniform(1, 8))
        self.set()
        self.spans.append((began, time.time(), fault["kind"]))


class Sensor(threading.Thread):
    """Publishes numbered messages at an even rate, in QoS 1: between sending and PUBACK the broker
    has decided about all who subscribe."""

    def __init__(self, port, topic, interval_s, phase_s=0.0):
        super().__init__(daemon=True)
        self.topic, self.interval_s, self.phase_s = topic, interval_s, phase_s
        self.windows, self.error = [], None
        self.stopped = threading.Event()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        words = [f"sensor-{topic}", PUBLISHER, PASSWORD]
        text = b"".join(len(word).to_bytes(2, "big") + word.encode() for word in words)
        self.send(0x10, b"\0\4MQTT\4\xc2\0\0" + text)
        self.expect(b"\x20\2\0\0")

    def send(self, kind, body):
        self.socket.sendall(bytes([kind, len(body)]) + body)

    def expect(self, packet):
        if self.socket.recv(len(packet), socket.MSG_WAITALL) != packet:
            raise SystemExit("the sensor is cut off")

    def run(self):
        try:
            next_s = time.monotonic() + self.phase_s
            while not self.stopped.wait(max(0, next_s - time.monotonic())):
                self.publish()
                next_s += self.interval_s
        except BaseException as error:
            self.error = error

    def publish(self):
        number = len(self.windows)
        topic, packet_id = self.topic.encode(), (number % 65535 + 1).to_bytes(2, "big")
        body = len(topic).to_bytes(2, "big") + topic + packet_id + str(number).encode()
        sent = time.time()
        self.send(0x32, body)
        self.expect(b"\x40\2" + packet_id)
        self.windows.append((sent * 1000, time.time() * 1000))

    def stop(self):
        self.stopped.set()
        self.join()
        self.socket.close()
        if self.error:
            raise self.error
