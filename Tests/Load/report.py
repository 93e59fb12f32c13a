"""What a run showed, and what is wrong with it."""

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing

from deliveries import Deliveries, explain
from feed import subscribers
from shop import ACCOUNT, FREE, LIVE, user
from stalls import Stalls, percentile
from watch import PROBE_MS

# A node that fails again and again is left alone for a minute at most.
LATE_MS = 60_000
STALL_MS = 5
GROWTH_BYTES = 300_000


def recorded(ledger):
    """The payments that count: account and NANOS, by digest."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        return {digest: (account, amount) for digest, account, amount in db.execute(
            "SELECT digest, account, amount FROM payments WHERE state = 'confirmed'")}


def received(load, listeners):
    """What came to the first or the second listeners of each feed: by LIVE, FREE or ACCOUNT, and by
    user."""
    messages = {kind: defaultdict(list) for kind in (LIVE, FREE, ACCOUNT)}
    for feed in load.feeds:
        for kind, by_user in feed.received(listeners).items():
            messages[kind].update(by_user)
    return messages


def accepted(messages):
    """The payments that the buyers were told of: (digest, user) and when, in ms."""
    for name, texts in messages.items():
        for at, text in texts:
            notice = json.loads(text).get("notice") or {}
            if notice.get("kind") == "accepted":
                yield (notice["payment"], name), at * 1000


def check_free(load, messages):
    for account, feed in subscribers(load):
        numbers = [int(text) for text in messages[user(account)]]
        count = len(feed.sensors[1].windows)
        if numbers != list(range(count)):
            yield f"{account} received {len(numbers)} of {count} free messages"


def check_notices(load, notices):
    """Each payment that bought something is told its buyer, once."""
    with closing(sqlite3.connect(f"file:{load.shop.ledger}?mode=ro", uri=True)) as db:
        bought = {digest: account for digest, account in db.execute(
            "SELECT payment, account FROM grants WHERE kind = 'bought'")}
    told = Counter(key for key, _ in notices)
    wrong = [digest for digest, account in bought.items()
             if told[digest, user(account)] != 1]
    print(f"{len(bought)} payments bought time; {len(bought) - len(wrong)} buyers were told once")
    if wrong:
        yield f"{len(wrong)} purchases were not told their buyers, or more than once: {wrong[:3]}"


def check_stalls(load, deliveries):
    windows = [[window for feed in load.feeds for sensor in feed.sensors[at: at + 2]
                for window in sensor.windows] for at in (0, 2)]
    stalls = [Stalls(probe.delays, PROBE_MS, at) for probe, at in zip(load.probes, windows)]
    plain = sum(map(len, received(load, 1)[LIVE].values()))
    print(f"deliveries of what is sold: {deliveries.counts[True]} with the plugin, "
          f"{plain} without it; each has as many clients")
    heads = "".join(f"{head:>8}" for head in ("p50", "p99", "p99.9", "max"))
    print(f"{'the main thread keeps a PINGREQ waiting, in ms':56}{heads}")
    for name, part in zip(("with the plugin", "without it"), stalls):
        kinds = {": in all": part.raw, ": without waiting for a processor": part.net}
        # Of many sensors one is always about to publish.
        if len(load.feeds) == 1:
            kinds[": and while no message is handed out"] = part.between
        for kind, delays in kinds.items():
            shares = [percentile(delays, share) for share in (0.5, 0.99, 0.999, 1)]
            print(f"  {name + kind:54}" + "".join(f"{delay:8.2f}" for delay in shares))
    ours, plain = (percentile(part.net, 0.999) for part in stalls)
    # To hand out one message to a thousand takes the broker itself as long.
    least = plain if len(load.feeds) == 1 else 0
    if ours - least > STALL_MS:
        yield f"stalls (p99.9) are {ours:.1f} ms, without the plugin {plain:.1f}"


def tenths(numbers):
    """The largest of each tenth."""
    count = len(numbers)
    return [max(numbers[count * tenth // 10: count * (tenth + 1) // 10]) for tenth in range(10)]


def check_memory(load):
    """Does it stay what it was in the second minute?"""
    print("memory of its own, in MB, at most in each tenth of the time")
    for name, memory in zip(("with the plugin", "without it"), load.memories):
        parts = {name: tenths(memory.bytes)}
        if memory.ledger:
            parts["its ledger"] = tenths(memory.ledger_bytes)
        for part, values in parts.items():
            print(f"  {part:16}" + "".join(f"{value / 1e6:7.2f}" for value in values))
        if len(memory.bytes) < 180:
            continue
        growth, ledger = (max(series[-60:]) - max(series[60:120])
                          for series in (memory.bytes, memory.ledger_bytes))
        # SQLite keeps what it has read of a ledger of this size, once for each of two threads.
        if growth > GROWTH_BYTES + 2 * ledger:
            yield f"memory grew by {growth / 1e6:.2f} MB {name}"


def lateness(paid, known, spans):
    """How long after the checkpoint a payment was known; after the node's last failure where there
    was one."""
    failures = [end for begin, end, _ in spans if begin < known and end > paid]
    return known - min(known, max([paid, *failures]))


def check_payments(load, told):
    with closing(sqlite3.connect(f"file:{load.shop.ledger}?mode=ro", uri=True)) as db:
        times = [(paid, told[digest]) for digest, paid in db.execute(
            "SELECT digest, paid_at FROM payments") if digest in told]
    spans = [(begin * 1000, end * 1000, kind) for begin, end, kind in load.node.spans]
    delays = sorted(known - paid for paid, known in times)
    late = sorted(lateness(paid, known, spans) for paid, known in times)
    changes = sum(what not in ("nothing", "broken") for _, what, _ in load.reloads)
    failing_s = sum(end - begin for begin, end, _ in load.node.spans)
    in_ledger = recorded(load.shop.ledger)
    print(f"{len(load.payers.made)} payments made, {load.payers.failures} refused or unknown; "
          f"the node failed {len(load.node.spans)} times, for {failing_s:.0f} s; "
          f"{len(load.reloads)} reloads, of which {changes} changed something")
    if not times:
        yield "nobody was told of a payment"
        return
    for what, each in (("their checkpoint", delays), ("it, or the node's failure", late)):
        half, most, all_ = (percentile(each, share) for share in (0.5, 0.9, 1))
        print(f"buyers told after {what}: p50 {half:.0f} ms, p90 {most:.0f} ms, max {all_:.0f} ms")
    if any(in_ledger.get(digest) != made for digest, made in load.payers.made.items()):
        yield "payments are not in the ledger as they were made"
    if late[-1] > LATE_MS:
        yield f"a payment was known {late[-1]:.0f} ms after the node could tell it"
    if load.verified.returncode != 0:
        yield f"paywall verify: {load.verified.stdout or load.verified.stderr}"


def report(load):
    """Prints what there was to see; gives what is wrong."""
    messages = received(load, 0)
    notices = list(accepted(messages[ACCOUNT]))
    told = {digest: at for (digest, _), at in notices}
    deliveries = Deliveries(load, messages[LIVE], told)
    print(*deliveries.lines(), sep="\n")
    explain(load.shop.ledger, sorted({text.split()[0] for text in deliveries.wrong[:20]}), told)
    return [*deliveries.wrong[:20], *check_free(load, messages[FREE]),
            *check_notices(load, notices), *check_payments(load, told),
            *check_stalls(load, deliveries), *check_memory(load)]
