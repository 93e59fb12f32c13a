"""User-mode instructions of the broker per delivery, counted by callgrind.

They hardly change from run to run, whatever else the machine does; what the kernel does to send a
message is not among them. Where the broker compares a client with all others, strings' places in
memory change the count by one in a hundred: there the median of several brokers tells.
"""

import subprocess
from pathlib import Path
from statistics import median

from broker import Broker
from delivery import LOADS, ONCE, OURS, SETUPS, SUBSCRIBERS, Fan

# A cost begins with a position: absolute, relative to the last one, or the same.
COST_LINE = tuple("0123456789+-*")


def measure(folder, tools, plugin, is_quick):
    """Counts of the main thread, by load and setup."""
    plain = ("none", "least", "least thread")
    counts = {}
    for load in (*LOADS, ONCE):
        for number, setup in enumerate(SETUPS):
            if load == "denied" and setup.name == "none" or is_quick and setup.name not in (
                    *plain, *OURS, "acl_file 1"):
                continue
            if load == ONCE and setup.name not in (*plain, *OURS):
                continue
            # The count hardly depends on how many; a thousand rules take seconds a message.
            is_slow = setup.name.endswith(" 1000") and setup.name not in OURS
            results = []
            for turn in range(5 if load == ONCE and not is_quick else 1):
                place = Path(folder) / f"{load}-{number}-{turn}"
                place.mkdir()
                lines = setup.lines(place, tools, plugin, load)
                results.append(count(
                    place, lines, tools, setup, load.split()[0], messages=4 if is_slow else 20))
            counts[load, setup.name] = middle(results)
    return counts


def middle(results):
    """The medians of what several brokers counted."""
    names = {name for result in results for name in result["objects"]}
    return {"all": median(result["all"] for result in results),
            "each": [result["all"] for result in results],
            "objects": {name: median(result["objects"].get(name, 0) for result in results)
                        for name in names}}


def count(place, lines, tools, setup, load, messages):
    """Counts with callgrind, which is switched on between two messages.

    https://valgrind.org/docs/manual/cl-manual.html#cl-manual.monitor-commands
    """
    wrapper = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes",
               f"--callgrind-out-file={place}/callgrind.%p"]
    with Broker(place, lines, wrapper) as at, Fan(tools, setup, load, at) as fan:
        fan.publish(20)
        monitor(at, "instrumentation on")
        fan.publish(2)
        monitor(at, "zero")
        fan.publish(messages)
        monitor(at, "dump")
        dumps = {int(path.name.rsplit("-", 1)[1]): path for path in place.glob("callgrind.*-*")}
        if 1 not in dumps:
            raise SystemExit(f"callgrind wrote no counts: {sorted(place.iterdir())}")
        return objects(dumps[1].read_text(errors="replace"), messages * SUBSCRIBERS)


def monitor(at, command):
    done = subprocess.run(
        ["vgdb", f"--pid={at.pid}", *command.split()], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"vgdb {command}: {done.stderr.strip()}")


def objects(text, deliveries):
    """Instructions per delivery, all and those in the plugin, of a callgrind dump.

    Format: https://valgrind.org/docs/manual/cl-format.html
    """
    names, costs, current, is_call = {}, {}, "", False
    for line in text.splitlines():
        if line.startswith(("ob=", "cob=")):
            kind, _, rest = line.partition("=")
            key, _, name = rest.partition(" ")
            # A name is written out where it comes first.
            if name:
                names[key] = name
            if kind == "ob":
                current = names[key]
        elif line.startswith("calls="):
            is_call = True
        elif line.startswith(COST_LINE):
            # The line after a call holds what the callee cost.
            if not is_call:
                fields = line.split()
                costs[current] = costs.get(current, 0) + int((fields + [0])[1])
            is_call = False
    return {"all": sum(costs.values()) / deliveries,
            "objects": {Path(name).name: cost / deliveries for name, cost in costs.items()
                        if cost > deliveries / 100}}
