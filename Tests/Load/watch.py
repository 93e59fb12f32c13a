"""Programs that watch a broker: subscribers, a prober of its main thread, and its memory."""

import subprocess
import threading
from pathlib import Path

from broker import PASSWORD
from process import Child, memory_bytes

PROBER, PROBE_MS = "prober", 3


def compile_tools(folder, include):
    """Compiles `listen` and `probe` into the folder."""
    for name in ("listen", "probe"):
        subprocess.run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I", include,
                        Path(__file__).parent / f"{name}.c", "-o", folder / name], check=True)


class Tool(Child):
    """A program that prints a line when it is ready, and ends when its input does."""

    def __init__(self, folder, name, *command):
        super().__init__(*command, log=folder / f"{name}.errors", stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
        if not self.process.stdout.readline():
            self.process.wait()
            raise SystemExit(self.last_words())

    def end(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit(self.last_words())


class Listeners(Tool):
    """Subscribers of one broker, by name and password, and what they received."""

    def __init__(self, folder, name, port, passwords, *topics):
        self.received, users = folder / f"{name}.log", folder / f"{name}.users"
        users.write_text("".join(f"{name} {password}\n" for name, password in passwords.items()))
        super().__init__(folder, name, folder / "listen", port, users, self.received, *topics)


class Probe(Tool):
    """A client that asks the broker's main thread for an answer, again and again."""

    def __init__(self, folder, name, broker, seed):
        self.delays = folder / f"{name}.delays"
        super().__init__(folder, name, folder / "probe", broker.port, PROBER, PASSWORD, broker.pid,
                         PROBE_MS * 1000, seed, self.delays)


class Memory(threading.Thread):
    """The broker's memory of its own, each second, and the size of its ledger if it has one."""

    def __init__(self, broker, ledger=None):
        super().__init__(daemon=True)
        self.broker, self.ledger, self.stopped = broker, ledger, threading.Event()
        self.bytes, self.ledger_bytes = [], []

    def run(self):
        while not self.stopped.wait(1):
            self.bytes.append(memory_bytes(self.broker.pid)["anonymous"])
            self.ledger_bytes.append(self.ledger.stat().st_size if self.ledger else 0)

    def stop(self):
        self.stopped.set()
        self.join()
