"""Measures what the plugin costs, in figures and beside what others cost. See scripts/bench."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import quantiles

import attack
import catchup
import check
import delivery
import instructions
import latency
import logins
import start
from report import Report

PARTS = ("check", "record", "delivery", "logins", "attack", "start", "latency", "catchup")
SOURCES = Path(__file__).parent


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, Path(folder)
        self.bin = Path(given.dist).resolve()
        self.plugin = self.bin / "mosquitto_paywall.so"
        self.report = Report(given.quick)
        self.tools = self.folder / "tools"

    def compile_tools(self):
        self.tools.mkdir()
        for name, *options in (("fan",), ("logins",), ("one_line", "-shared", "-fPIC")):
            tool = self.tools / (f"{name}.so" if options else name)
            subprocess.run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", *options,
                            SOURCES / f"{name}.c", "-o", tool], check=True)

    def place(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def check(self):
        lines = check.measure(self.given.access_bench)
        self.report.details["check"] = lines
        goals = {(1, 1): 50, (1000, 1000): 80, (1_000_000, 1000): 250}
        for line in lines:
            if line["bench"] == "check":
                self.report.add(
                    "In-process", f"{line['buyers']:,} buyers, {line['offers']:,} offers, "
                    f"{line['kind']}, {line['decision']}", line["ns"], "ns",
                    at_most=goals.get((line["buyers"], line["offers"])))
            elif line["bench"] == "memory":
                self.report.add("In-process", f"memory for {line['buyers']:,} active buyers",
                                line["bytes_per_buyer"], "bytes each", at_most=200)

    def record(self):
        lines = check.measure(self.given.access_bench, "record")
        self.report.details["record"] = lines
        for line in lines:
            part = f"Recording into a ledger of {line['existing']:,} payments"
            pages = f"pages of {line['page']:,}"
            self.report.add(part, pages, line["per_s"], "per second",
                            at_least=50_000 if line["page"] == 5000 and line["existing"] == 0
                            else None)
            self.report.add(part, f"{pages}: CPU time", line["cpu_us"], "µs each")
            self.report.add(part, f"{pages}: memory of its own", line["rss_bytes"] / 1e6, "MB")

    def delivery(self):
        rounds, seconds = (3, 0.4) if self.given.quick else (9, 1)
        cpu = delivery.measure(self.place("cpu"), self.tools, self.plugin, rounds, seconds)
        self.cpu_figures(cpu)
        counts = instructions.measure(
            self.place("instructions"), self.tools, self.plugin, is_quick=self.given.quick)
        self.instruction_figures(counts)

    def cpu_figures(self, cpu):
        self.report.details["cpu"] = [
            {"load": load, "rules": rules} | values for (load, rules), values in cpu.items()]
        main = {key: values["main_ns"] for key, values in cpu.items()}
        for load in delivery.LOADS:
            part = f"{delivery.TITLES[load]}: CPU time of the broker's main thread per delivery"
            for (at, rules), ns in main.items():
                if at == load:
                    self.report.add(part, delivery.describe(rules), ns / 1000, "µs")
            for ours in delivery.OURS:
                for peer in delivery.LONG:
                    # What is allowed is also written to a socket, which takes so long that a broker
                    # without any rules is only three times as fast: there instructions tell.
                    self.report.add(part, f"{delivery.describe(ours)}: times faster than {peer}",
                                    main[load, peer] / main[load, ours], "×",
                                    at_least=5 if load == "denied" else None)
                if load == "denied":
                    self.report.add(part, f"{delivery.describe(ours)}: times acl_file 1",
                                    main[load, ours] / main[load, "acl_file 1"], "×", at_most=1)

    def instruction_figures(self, counts):
        self.report.details["instructions"] = [
            {"load": load, "rules": rules} | values for (load, rules), values in counts.items()]
        for load, part in delivery.TITLES.items():
            part = f"{part}: user-mode instructions per delivery"
            base = "none" if load != "denied" else "acl_file 1"
            for (at, rules), count in counts.items():
                if at != load:
                    continue
                self.report.add(part, delivery.describe(rules), count["all"], "instr.")
                inside = count["objects"].get(self.plugin.name)
                if inside is None:
                    continue
                self.report.add(part, f"{delivery.describe(rules)}: inside the plugin", inside,
                                "instr.")
                self.report.add(part, f"{delivery.describe(rules)}: times {base}",
                                count["all"] / counts[load, base]["all"], "×",
                                at_most=1 if load == "denied" else 1.03)
                for peer in delivery.LONG:
                    if (load, peer) in counts:
                        self.report.add(
                            part, f"{delivery.describe(rules)}: times fewer than {peer}",
                            counts[load, peer]["all"] / count["all"], "×", at_least=5)

    def logins(self):
        rounds, count = (3, 1000) if self.given.quick else (9, 2000)
        results = logins.measure(
            self.place("logins"), self.tools, self.plugin, self.bin / "paywall", rounds, count)
        self.report.details["logins"] = [
            {"kind": kind, "at_once": at_once} | values
            for (kind, at_once), values in results.items()]
        for (kind, at_once), values in results.items():
            self.report.add("Logins", f"{kind}, {at_once} at once", values["per_s"], "per second")
            self.report.add("Logins", f"{kind}, {at_once} at once: CPU time each",
                            values["cpu_us"], "µs")

    def attack(self):
        logins, quiet_s = (10_000, 3) if self.given.quick else (50_000, 10)
        results = attack.measure(
            self.place("attack"), self.tools, self.plugin, logins, quiet_s)
        self.report.details["attack"] = results
        part = f"A subscriber's delay while {logins:,} logins with wrong passwords come"
        for kind, name in (("quiet", "before"), ("attacked", "meanwhile")):
            for percentile, value in results[kind].items():
                self.report.add(part, f"{name}, {percentile}", value, "ms")
        self.report.add(part, "logins refused", results["per_s"], "per second")

    def start(self):
        payments, active = 1_000_000, 100_000
        results = start.measure(
            self.place("start"), self.plugin, payments, active, 1 if self.given.quick else 5)
        self.report.details["start"] = results
        part = f"Start with a ledger of {payments:,} payments"
        self.report.add(
            part, f"ready, {active:,} active", results[active]["seconds"], "s", at_most=2)
        self.report.add(part, "ready, none active", results[0]["seconds"], "s")
        for kind, name in (("anonymous", "memory of its own"), ("peak", "resident at most")):
            for count in (active, 0):
                self.report.add(part, f"{name}, {count:,} active",
                                results[count][kind] / 1e6, "MB")
        each = (results[active]["anonymous"] - results[0]["anonymous"]) / active
        self.report.add(part, "memory of the broker per active buyer", each, "bytes", at_most=200)

    def latency(self):
        payments = 20 if self.given.quick else 200
        delays = latency.measure(
            self.place("payments"), self.plugin, self.bin, payments, self.given.seed)
        self.report.details["latency"] = {"seed": self.given.seed, "ms": sorted(delays)}
        percentiles = quantiles(delays, n=100, method="inclusive")
        part = f"From checkpoint to first message, {payments} payments"
        self.report.add(part, "p50", percentiles[49], "ms", at_most=400)
        self.report.add(part, "p99", percentiles[98], "ms", at_most=800)
        self.report.add(part, "max", max(delays), "ms")

    def catchup(self):
        payments = 10_000 if self.given.quick else 100_000
        results = catchup.measure(self.place("catchup"), self.plugin, self.bin, payments)
        self.report.details["catchup"] = results
        part = f"Catching up with {payments:,} payments of {catchup.DAYS} days"
        self.report.add(part, "until all are in the ledger", results["whole"]["seconds"], "s",
                        at_most=60 * payments / 100_000)
        self.report.add(part, "CPU time of the broker", results["whole"]["cpu_s"], "s")
        self.report.add(part, "the half that is left after SIGKILL in the middle",
                        results["resumed"]["seconds"], "s")
        for kind, name in (("idle", "before"), ("whole", "after"), ("after", "after a restart")):
            self.report.add(part, f"memory of the broker's own {name}",
                            results[kind]["anonymous"] / 1e6, "MB")
        kept = results["whole"]["anonymous"] - results["after"]["anonymous"]
        self.report.add(part, "memory that is not given back", kept / 1e6, "MB", at_most=5)
        self.report.add(part, "resident at most, beyond that of an idle broker",
                        (results["whole"]["peak"] - results["idle"]["peak"]) / 1e6, "MB",
                        at_most=50)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--json", default="dist/bench.json")
    parser.add_argument("--dist", default="dist")
    parser.add_argument("--access-bench", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        sys.exit(f"bench: no part {unknown[0]}; there are {', '.join(PARTS)}")
    # So that brokers and files go when the benchmark is told to.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given, folder)
        bench.compile_tools()
        for part in parts:
            print(f"measuring: {part}", file=sys.stderr)
            getattr(bench, part)()
    bench.report.finish()
    bench.report.write(given.json)
    print(bench.report.table())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
