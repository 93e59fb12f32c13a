"""The figures, as a table for people and as JSON."""

import json
import os
import platform
import subprocess
import time


class Report:
    def __init__(self, is_quick):
        self.started = time.time()
        self.figures, self.details = [], {}
        self.machine = {
            "cpu": cpu_name(), "cores": os.cpu_count(), "kernel": platform.release(),
            "mosquitto": mosquitto_version(), "quick": is_quick, "load_before": os.getloadavg()[0],
        }

    def add(self, part, name, value, unit, at_most=None, at_least=None):
        """A figure, and the target that it is held to, if any."""
        figure = {"part": part, "name": name, "value": round(value, 4), "unit": unit}
        if at_most is not None:
            figure |= {"at_most": at_most, "ok": value <= at_most}
        if at_least is not None:
            figure |= {"at_least": at_least, "ok": value >= at_least}
        self.figures.append(figure)

    def finish(self):
        self.machine |= {"load_after": os.getloadavg()[0],
                         "seconds": round(time.time() - self.started, 1)}

    def table(self):
        lines, part = [], None
        for figure in self.figures:
            if figure["part"] != part:
                part = figure["part"]
                lines += ["", part]
            goal = next((f"{sign} {number(figure[key])}" for key, sign in
                         (("at_most", "≤"), ("at_least", "≥")) if key in figure), "")
            verdict = {True: "ok", False: "SHORT", None: ""}[figure.get("ok")]
            lines.append(f"  {figure['name']:<58} {number(figure['value']):>12} "
                         f"{figure['unit']:<12} {goal:>8} {verdict}".rstrip())
        machine = self.machine
        lines += ["", f"{machine['cores']} × {machine['cpu']}, Mosquitto {machine['mosquitto']}, "
                  f"{machine['seconds']:.0f} s; load average {machine['load_before']:.1f} before "
                  f"and {machine['load_after']:.1f} after."]
        return "\n".join(lines)

    def write(self, path):
        data = {"machine": self.machine, "figures": self.figures, "details": self.details}
        with open(path, "w") as file:
            json.dump(data, file, indent=1)
            file.write("\n")


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def cpu_name():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def mosquitto_version():
    words = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True).stdout.split()
    return words[2] if len(words) > 2 else "?"
