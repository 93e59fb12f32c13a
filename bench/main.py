"""Measures what the plugin costs, in figures and beside what others cost. See scripts/bench."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import quantiles

import check
import delivery
import instructions
import latency
import logins
import start
from report import Report

PARTS = ("check", "delivery", "logins", "start", "latency")
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
                for peer in ("acl_file 1000", "dynamic-security 1000"):
                    self.report.add(part, f"{delivery.describe(ours)}: times faster than {peer}",
                                    main[load, peer] / main[load, ours], "×", at_least=5)
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
