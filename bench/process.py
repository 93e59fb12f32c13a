"""Processes that end with the benchmark, and what the kernel says about them."""

import signal
import subprocess
import time
from pathlib import Path


class Child:
    """A process that is stopped when its `with` block is left."""

    def __init__(self, *command, log=None, **options):
        self.log = log
        error = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=options.pop("stdin", subprocess.DEVNULL), stderr=error, **options,
        )
        if log:
            error.close()
        self.name = Path(str(command[0])).name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        hangs = False
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                hangs = True
                self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        if hangs:
            raise SystemExit(f"{self.name} did not end within 30 seconds:\n{self.last_words()}")

    def last_words(self):
        text = Path(self.log).read_text(errors="replace").strip() if self.log else ""
        return "\n".join(text.splitlines()[-10:])

    def check_running(self):
        if self.process.poll() is not None:
            raise SystemExit(
                f"{self.name} ended with status {self.process.returncode}:\n{self.last_words()}")


def await_(what, condition, timeout_s=60, pause_s=0.005):
    """Waits until `condition()` is true; gives what it returned."""
    end = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise SystemExit(f"not within {timeout_s} seconds: {what}")
        time.sleep(pause_s)


def cpu_ns(pid):
    """CPU time of a process's main thread, and of all its threads, user and system together.

    The first number of a thread's `schedstat` is the time it was on a CPU:
    https://docs.kernel.org/scheduler/sched-stats.html
    """
    tasks = Path(f"/proc/{pid}/task")
    spent = {task.name: int((task / "schedstat").read_text().split()[0])
             for task in tasks.iterdir()}
    return spent[str(pid)], sum(spent.values())


def memory_bytes(pid):
    """Resident memory of a process: all of it, the part that is its own, the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return {key: int(status[field].split()[0]) * 1024
            for key, field in (("rss", "VmRSS"), ("anonymous", "RssAnon"), ("peak", "VmHWM"))}
