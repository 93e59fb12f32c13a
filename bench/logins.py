"""What a login costs the broker: users of a `password_file`, buyers and wallets."""

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from broker import PASSWORD, Broker, Paywall, password_file
from process import cpu_ns

# As mosquitto_passwd makes them.
ITERATIONS = 101
USERS = 100
WALLETS = 10
AT_ONCE = 50


def sign_logins(folder, paywall):
    """Lines "address password" of new wallets."""
    lines = []
    for number in range(WALLETS):
        key = folder / f"wallet-{number}.key"
        run(paywall, "wallet", "new", "--wallet", key)
        login = run(paywall, "wallet", "sign-login", "localhost", "--wallet", key)
        lines.append(f"{login['username']} {login['password']}\n")
    return "".join(lines)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[1]} {command[2]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(folder, tools, plugin, paywall, rounds, logins):
    """Interleaved rounds; gives medians by kind of login and number at once."""
    folder = Path(folder)
    names = [f"user-{index}" for index in range(USERS)]
    users, wallets = folder / "users", folder / "wallets"
    users.write_text("".join(f"{name} {PASSWORD}\n" for name in names))
    buyers = folder / "buyers"
    buyers.write_text("".join(f"buyer-{index} {PASSWORD}\n" for index in range(USERS)))
    wallets.write_text(sign_logins(folder, paywall))
    samples = {}
    with ExitStack() as stack:
        brokers = []
        for kind in ("none", "paywall"):
            place = folder / kind
            place.mkdir()
            lines = [password_file(place, names, ITERATIONS)]
            if kind == "paywall":
                paywall_ = Paywall(place, plugin)
                paywall_.make_ledger(lines)
                paywall_.add_buyers(f"buyer-{index}" for index in range(USERS))
                lines += paywall_.lines
            brokers.append(stack.enter_context(Broker(place, lines)))
        plain, ours = brokers
        kinds = [("password_file, no plugin", plain, users), ("password_file", ours, users),
                 ("buyer", ours, buyers), ("wallet", ours, wallets)]
        for _ in range(rounds):
            for name, broker, file in kinds:
                for at_once in (1, AT_ONCE):
                    sample = login(tools, broker, file, logins, at_once)
                    samples.setdefault((name, at_once), []).append(sample)
    return {key: {part: median(sample[part] for sample in rounds) for part in rounds[0]}
            for key, rounds in samples.items()}


def login(tools, broker, users, logins, at_once):
    before = cpu_ns(broker.pid)[0]
    done = subprocess.run(
        [tools / "logins", str(broker.port), users, str(logins), str(at_once)],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"logins: {done.stderr.strip()}\n{broker.last_words()}")
    return {"per_s": logins / float(done.stdout),
            "cpu_us": (cpu_ns(broker.pid)[0] - before) / logins / 1000}
