"""Nanoseconds per access check, in a process that does nothing else."""

import json
import subprocess


PARTS = ("check", "callback", "memory", "subscribe", "turn")


def measure(executable, *parts):
    """What `access-bench` prints: one JSON object a line."""
    done = subprocess.run([executable, *(parts or PARTS)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"access-bench: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
