"""Compares the manual pages with the commands, the examples of configurations, and the README.

usage, in the repository, after scripts/manuals: python3 Tests/Package/manuals.py
"""

import json
import pathlib
import re
import subprocess
import sys

flaws = []
pages = {file.name: file.read_text() for file in pathlib.Path("dist/man").iterdir()}
unused = {name for name in pages if name.endswith(".1")}
options = {"--help"}
count = 0


def names(argument):
    return {"-" * (2 if name["kind"] == "long" else 1) + name["name"]
            for name in argument.get("names", [])}


def compare(command, path):
    """A command has a page with all its options, and the page no others; so have its subcommands."""
    global count
    name = "-".join(path) + ".1"
    page = pages.get(name)
    unused.discard(name)
    # Dashes are escaped or not.
    text = (page or "").replace("\\-", "-")
    if page is None:
        flaws.append(f"there is no manual page {name}")
    shown = {"-" * min(2, len(option)) + option
             for line in re.findall(r"^\.It (Fl .*)", text, re.M)
             for option in re.findall(r"(?:Fl|,) -?([a-zA-Z][\w-]*)", line.split(" Ar ")[0])}
    arguments = [each for each in command.get("arguments", []) if each["shouldDisplay"]]
    known = set().union(*map(names, arguments))
    options.update(known)
    count += len(known)
    for option in sorted(known - shown):
        flaws.append(f"{name} has no {option}")
    for option in sorted(shown - known):
        flaws.append(f"{name} has {option}, which the command has not")
    # None has examples; one that is written has to be run by somebody.
    if re.search(r"^\.(Sh EXAMPLES|Dl|Bd|D1)", text, re.M):
        flaws.append(f"{name} has examples, which no test runs")
    for sub in command.get("subcommands", []):
        if sub["commandName"] != "help":
            compare(sub, path + [sub["commandName"]])


commands = set()
for program in ["paywall", "sensor-agent", "paywall-devkit"]:
    answer = subprocess.run([f"dist/{program}", "--experimental-dump-help"], check=True,
                            capture_output=True)
    root = json.loads(answer.stdout)["command"]
    commands |= {f"{program} {sub['commandName']}" for sub in root["subcommands"]}
    if program == "paywall-devkit":
        # It is for development, and has no pages.
        for sub in root["subcommands"]:
            options.update(*map(names, sub["arguments"]))
    else:
        compare(root, [program])
flaws += [f"{name} is of no command" for name in sorted(unused)]

# What a page, or the README, calls a command is one.
readme = pathlib.Path("README.md").read_text()
for name, text in [*pages.items(), ("README.md", readme)]:
    for program, sub in re.findall(r"[`'](paywall|sensor-agent) ([a-z][\w-]*)", text):
        if f"{program} {sub}" not in commands:
            flaws.append(f"{name} names `{program} {sub}`, which is no command")
for option in re.findall(r"`(--?[a-z][\w-]*)[^`]*`", readme):
    if option not in options:
        flaws.append(f"README.md names `{option}`, which is no option")

# Each key of an example is in the page about the file.
for name in ["paywall.toml", "sensor-agent.toml"]:
    example = pathlib.Path("plugin", name + ".example").read_text()
    for key in dict.fromkeys(re.findall(r"^#? ?(\w+) *= ", example, re.M)):
        if not re.search(rf"^\.It Ic .*\b{key}\b", pages[name + ".5"], re.M):
            flaws.append(f"{name}.5 has no {key}")

for flaw in flaws:
    print(f"manuals: {flaw}", file=sys.stderr)
if flaws:
    sys.exit(1)
print(f"{len(pages)} manual pages have the commands' {count} options and the examples' keys")
