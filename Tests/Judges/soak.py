#!/usr/bin/env python3
"""Five plugs, a broker and the agent, with failures at random. See scripts/soak.

Usage: soak.py FOLDER SECONDS SEED

Three plugs are WeMo Insights of the development kit, on loopback addresses of their own, that are
killed, move to other ports and misbehave. A Shelly of the second generation and a Kasa plug are
threads of this program. What is published is seen by mosquitto_sub; what could have been had is known
from when plug and broker were up.
"""

import http.server
import json
import os
import random
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

INTERVAL_S = 0.5
WEMO_PORTS = [49153, 49152, 49154, 49151, 49155]
FAULTS = [
    "slow:1500", "server-error", "html", "truncated", "cut-off", "entity-bomb", "huge", "wedged",
    "absurd", "negative", "not-a-number", "five-fields",
]
# After the longest pauses that the agent makes (30 s for a WeMo, 5 s for others), a search and the
# first readings.
RECOVERY_S = {"wemo": 45, "other": 12}
# The broker is there, the agent and mosquitto_sub have connected again.
BROKER_RECOVERY_S = 8


class Clock:
    """When something was up: a list of spans, the last one perhaps open."""

    def __init__(self):
        self.spans = []

    def up(self):
        self.spans.append([time.time(), None])

    def down(self):
        if self.spans and self.spans[-1][1] is None:
            self.spans[-1][1] = time.time()

    def contains(self, start, end, settling=0.0):
        return any(
            begin + settling <= start and end <= (finish or float("inf"))
            for begin, finish in self.spans
        )


class Plug:
    kind = "other"

    def __init__(self, name):
        self.name = name
        self.clock = Clock()
        self.most_at_once = 0


class WeMo(Plug):
    kind = "wemo"

    def __init__(self, number, devkit):
        super().__init__(f"wemo{number}")
        self.devkit = devkit
        self.host = f"127.0.0.{number + 1}"
        self.serial = f"SOAK{number}"
        self.port = 49153
        self.process = None

    def config(self):
        return f'url = "http://{self.host}:49153"\nudn = "uuid:Insight-1_0-{self.serial}"'

    def start(self):
        self.process = subprocess.Popen(
            [self.devkit, "plug", "--bind", self.host, "--port", str(self.port), "--serial",
             self.serial, "--json"], stdout=subprocess.PIPE)
        if not self.process.stdout.readline():
            sys.exit(f"{self.name} does not start")
        self.clock.up()

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", body)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def note_load(self):
        self.most_at_once = max(self.most_at_once, self.ask("/devkit/load")["mostAtOnce"])

    def stop(self):
        self.note_load()
        self.clock.down()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def fail(self, seconds, random):
        if random.random() < 0.5:
            self.stop()
            if random.random() < 0.4:
                self.port = random.choice(WEMO_PORTS)
            time.sleep(seconds)
            self.start()
            return f"killed for {seconds:.0f} s, then on port {self.port}"
        fault = random.choice(FAULTS)
        self.clock.down()
        self.ask("/devkit/faults", json.dumps({"faults": [fault]}).encode())
        time.sleep(seconds)
        self.ask("/devkit/faults", b'{"faults":[]}')
        self.clock.up()
        return f"{fault} for {seconds:.0f} s"


class Threaded(Plug):
    """A plug of this program: a server that is closed and opened again."""

    def __init__(self, name):
        super().__init__(name)
        self.at_once = 0
        self.lock = threading.Lock()
        self.port = 0
        self.connections = set()

    def asked(self, by):
        with self.lock:
            self.at_once += by
            self.most_at_once = max(self.most_at_once, self.at_once)

    def start(self):
        plug = self

        class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), self.handler(plug))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.clock.up()

    def stop(self):
        self.clock.down()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fail(self, seconds, _):
        self.stop()
        time.sleep(seconds)
        self.start()
        return f"closed for {seconds:.0f} s"

    def note_load(self):
        pass


class Shelly(Threaded):
    def config(self):
        return f'source = "http-json"\npreset = "shelly2"\nurl = "http://127.0.0.1:{self.port}"'

    def handler(self, plug):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                plug.connections.add(self.request)

            def finish(self):
                plug.connections.discard(self.request)
                super().finish()

            def log_message(self, *_):
                pass

            def do_GET(self):
                plug.asked(1)
                body = json.dumps({"output": True, "apower": random.uniform(0, 100)}).encode()
                plug.asked(-1)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


class Kasa(Threaded):
    def config(self):
        return f'source = "kasa"\nhost = "127.0.0.1:{self.port}"'

    def handler(self, plug):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                plug.connections.add(self.request)
                try:
                    while True:
                        head = self.request.recv(4, socket.MSG_WAITALL)
                        if len(head) < 4:
                            return
                        self.request.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
                        plug.asked(1)
                        value = {"power_mw": random.randrange(100_000), "err_code": 0}
                        text = json.dumps({"emeter": {"get_realtime": value}}).encode()
                        key, body = 171, bytearray()
                        for byte in text:
                            key ^= byte
                            body.append(key)
                        plug.asked(-1)
                        self.request.sendall(struct.pack(">I", len(body)) + body)
                finally:
                    plug.connections.discard(self.request)

        return Handler


class Broker:
    def __init__(self, folder):
        self.clock = Clock()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config = os.path.join(folder, "mosquitto.conf")
        with open(self.config, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")

    def start(self):
        self.process = subprocess.Popen(
            ["mosquitto", "-c", self.config], stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        self.clock.up()

    def stop(self):
        self.clock.down()
        self.process.kill()
        self.process.wait()


class Agent:
    def __init__(self, program, config, log):
        self.process = subprocess.Popen([program, "--config", config], stderr=log)
        self.started = time.time()

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_failures(plugs, broker, end, seed):
    """One thread for each plug and one for the broker, each with failures of its own."""

    def plug_failures(plug):
        choice = random.Random(f"{seed} {plug.name}")
        while True:
            pause = choice.uniform(20, 60)
            if time.time() + pause > end - 5:
                return
            time.sleep(pause)
            what = plug.fail(choice.uniform(1, 12), choice)
            print(f"{time.strftime('%H:%M:%S')} {plug.name}: {what}", flush=True)

    def broker_failures():
        choice = random.Random(f"{seed} broker")
        while True:
            pause = choice.uniform(45, 120)
            if time.time() + pause > end - 5:
                return
            time.sleep(pause)
            seconds = choice.uniform(0.5, 6)
            broker.stop()
            time.sleep(seconds)
            broker.start()
            print(f"{time.strftime('%H:%M:%S')} broker: killed for {seconds:.0f} s", flush=True)

    threads = [threading.Thread(target=plug_failures, args=(plug,)) for plug in plugs]
    threads.append(threading.Thread(target=broker_failures))
    for thread in threads:
        thread.start()
    return threads


def received(path):
    """The times of the live values of each plug."""
    times = {}
    with open(path) as file:
        for line in file:
            parts = line.split()
            if len(parts) == 3 and parts[1].endswith("/live"):
                times.setdefault(parts[1].split("/")[1], []).append(float(parts[0]))
                if not 0 <= float(parts[2]) <= 10_000_000:
                    sys.exit(f"a false value was published: {line}")
    return times


def losses(plug, broker, times, start, end):
    """Slots of one interval in which there was no value though plug and broker were up: those while
    everything had been well for long, and those while the agent was coming back."""
    wanted = steady = recovering = 0
    times = sorted(times)
    index = 0
    slot = start
    while slot + INTERVAL_S <= end:
        slot_end = slot + INTERVAL_S
        while index < len(times) and times[index] < slot:
            index += 1
        # A value may come a little early or late.
        got = any(slot - 0.25 <= moment < slot_end + 0.25 for moment in times[max(0, index - 1):index + 3])
        if plug.clock.contains(slot, slot_end) and broker.clock.contains(slot, slot_end):
            wanted += 1
            if not got:
                settled = plug.clock.contains(slot, slot_end, RECOVERY_S[plug.kind])
                settled = settled and broker.clock.contains(slot, slot_end, BROKER_RECOVERY_S)
                steady += settled
                recovering += not settled
        slot = slot_end
    return wanted, steady, recovering


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, seconds, seed = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    print(f"seed {seed}", flush=True)
    scratch = tempfile.mkdtemp()
    os.chmod(scratch, 0o755)
    devkit = os.path.join(folder, "paywall-devkit")
    plugs = [WeMo(number, devkit) for number in (1, 2, 3)] + [Shelly("shelly"), Kasa("kasa")]
    broker = Broker(scratch)
    broker.start()
    for plug in plugs:
        plug.start()
    config = os.path.join(scratch, "agent.toml")
    with open(config, "w") as file:
        file.write(f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}\n')
        for plug in plugs:
            file.write(f'[[plug]]\nname = "{plug.name}"\n{plug.config()}\n')
    messages = os.path.join(scratch, "messages")
    watcher = subprocess.Popen(
        ["mosquitto_sub", "-p", str(broker.port), "-t", "sensor/#", "-F", "%U %t %p"],
        stdout=open(messages, "w"), stderr=subprocess.DEVNULL)
    log = os.path.join(scratch, "agent.log")
    agent = Agent(os.path.join(folder, "sensor-agent"), config, open(log, "w"))
    start = time.time() + 10
    end = time.time() + seconds
    threads = run_failures(plugs, broker, end, seed)
    memory = []
    while time.time() < end and agent.process.poll() is None:
        time.sleep(1)
        memory.append(agent.memory_kb())
    for thread in threads:
        thread.join()
    end = time.time()
    alive = agent.process.poll() is None
    share = agent.cpu_s() / (end - agent.started) if alive else float("nan")
    agent.process.send_signal(signal.SIGTERM)
    status = agent.process.wait(10)
    time.sleep(0.5)
    watcher.kill()
    for plug in plugs:
        plug.note_load()
    sys.exit(report(plugs, broker, received(messages), start, end, memory, share, status, log))


def report(plugs, broker, times, start, end, memory, share, status, log):
    failures = []
    print(f"\n{'plug':8} {'could be had':>12} {'lost, steady':>12} {'lost, coming back':>18} at once")
    for plug in plugs:
        wanted, steady, recovering = losses(
            plug, broker, times.get(plug.name, []), start, end - 1)
        print(f"{plug.name:8} {wanted:12} {steady:12} {recovering:18} {plug.most_at_once:7}")
        if steady:
            failures.append(f"{plug.name} lost {steady} readings while all was well")
        if plug.most_at_once > 1:
            failures.append(f"{plug.name} had {plug.most_at_once} requests at once")
    # A third of the run is for warming up.
    early = max(memory[len(memory) // 6: len(memory) // 3] or [0])
    late = max(memory[-len(memory) // 3:] or [0])
    print(f"memory: {early} KB at most in the second sixth, {late} KB at most in the last third")
    print(f"CPU: {100 * share:.2f} % of a core")
    if late > early * 1.05 + 1024:
        failures.append("memory grows")
    if not share < 0.01:
        failures.append("it takes more than 1 % of a core")
    if status != 0:
        failures.append(f"the agent ended with status {status}")
    with open(log) as file:
        print("".join(line for line in file if "Stopped." in line), end="")
    for failure in failures:
        print(f"FAIL {failure}")
    for plug in plugs:
        plug.stop()
    broker.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    main()
