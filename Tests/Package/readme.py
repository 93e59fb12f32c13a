"""What test_readme does once it is inside the copy: runs what the README tells its reader to.

Every command of a ```sh block, and every command in a line of text, is run as it stands there, on a
terminal, by who it is for: a seller who may use sudo, a buyer, or root. HOW knows those that need
something around them; NOT_RUN those that cannot run here. The mainnet that they speak to is
`paywall-devkit tangle`, and their WeMo Insight `paywall-devkit plug`.
"""

import asyncio
import dataclasses
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shlex
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time

HOME = pathlib.Path("/home/seller/mosquitto-paywall")
LEDGER = "/var/lib/mosquitto/paywall.db"
NODES = ["api.mainnet.iota.cafe", "indexer.mainnet.iota.cafe"]

# What is not run here, and where it is instead.
NOT_RUN = {
    "scripts/demo": "builds, and takes a minute; it observes all that it tells, or fails",
    "scripts/demo --protocol stardust": "as scripts/demo",
    "scripts/test": "this is part of it",
    "scripts/bench": "builds, and takes minutes",
    "scripts/soak": "builds, and takes ten minutes",
    "scripts/simulate": "builds; scripts/test runs it",
    "scripts/crash": "builds, and takes minutes; scripts/test kills a few",
    "scripts/load": "builds, and takes ten minutes",
    "scripts/fuzz": "builds, and takes minutes; scripts/test feeds a few thousand inputs",
    "scripts/sanitize": "builds twice, and takes an hour",
    "scripts/build": "scripts/test has run it",
    "scripts/install": "scripts/test has run it",
    "scripts/package": "scripts/test has run it",
    'iota client ptb --split-coins gas "[500000]" --assign pay --transfer-objects "[pay]" '
    '@0xSELLER \\\n  --move-call std::string::utf8 "\'"\'{"username":"johndoe"}\'"\'" --gas-budget 10000000':
        "IOTA's own command is in no package; ShellTests reads what a shell makes of this line",
    "paywall-devkit tangle": "is what stands in for mainnet here",
    "paywall-devkit plug": "is what stands in for the plug here",
    "paywall-devkit pay": "needs a private tangle; Tests/Judges/stardust_sdk.py pays with it",
}


def fail(text):
    sys.stdout.flush()
    print(f"readme: {text}", file=sys.stderr)
    for log in ["/var/log/mosquitto/mosquitto.log", *pathlib.Path("/run/journal").glob("*")]:
        if os.path.exists(log):
            print(f"--- {log}\n", *open(log).readlines()[-15:], file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def wait_for(what, condition, seconds=20):
    until = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > until:
            fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return answer


def output(command, check=True):
    """What a command of the test's own prints, as root."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                          env=environment("root"))
    if check and done.returncode != 0:
        fail(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


# --- What the README says -------------------------------------------------------------------------

@dataclasses.dataclass
class Command:
    text: str
    section: str
    inline: bool

    @property
    def words(self):
        words = shlex.split(self.text, comments=True)
        if words[:3] == ["sudo", "-u", "mosquitto"]:
            return words[3:]
        return words[1:] if words[0] == "sudo" else words


def commands_of(block):
    """The commands of a block: lines, and those that go on over several."""
    lines = []
    for line in block.splitlines():
        lines.append(line)
        text = "\n".join(lines)
        try:
            words = shlex.split(text, comments=True)
        except ValueError:
            continue
        if text.endswith("\\"):
            continue
        lines = []
        if words:
            # Without the remark behind it.
            yield re.sub(r"\s+# [^\n]*$", "", text).strip()


def commands_of_readme(text):
    programs = set()
    commands = []
    for part in re.split(r"^(?=##+ )", text, flags=re.M):
        section = re.match(r"(?:##+ (.*))?", part)[1] or ""
        if part.startswith("## "):
            chapter = section
        pieces = re.split(r"^```(\w*)\n(.*?)^```\n", part, flags=re.M | re.S)
        for index in range(0, len(pieces), 3):
            for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", pieces[index]):
                commands.append(Command(" ".join(span.split()), section, True))
            if pieces[index + 1:] and pieces[index + 1] == "sh":
                for command in commands_of(pieces[index + 2]):
                    command = Command(command, section, False)
                    programs.add(command.words[0])
                    commands.append(command)
    programs |= {"sudo", "systemctl", "journalctl", "iota", "paywall-devkit", "apt-get"}
    programs |= {f"scripts/{file.name}" for file in (HOME / "scripts").iterdir()}

    def is_command(command):
        try:
            return not command.inline or (command.text.split() or [""])[0] in programs
        except ValueError:
            return False
    return [command for command in commands if is_command(command)]


# --- Who reads it ---------------------------------------------------------------------------------

PASSWORD = "johndoes-password"


def reader(section):
    if section in ("Look into the ledger",):
        return "root", "/root"
    if section in ("Buy", "What clients are told"):
        return "buyer", "/home/buyer"
    return "seller", HOME


def environment(user):
    path = "/usr/local/bin:/usr/bin:/bin"
    if user == "root":
        path = "/usr/local/sbin:/usr/sbin:/sbin:" + path
    return {"HOME": "/root" if user == "root" else f"/home/{user}", "USER": user, "LANG": "C.UTF-8",
            "TERM": "xterm", "PATH": path, "EDITOR": "/usr/local/bin/edit", "password": PASSWORD}


@dataclasses.dataclass
class Way:
    """How a command is run, and what it must do."""
    before: object = None
    answers: tuple = ()          # what it asks, and what the reader answers
    until: str = ""              # interrupted once it has printed this
    prints: tuple = ()
    status: int = 0
    after: object = None
    background: bool = False


def run(text, user, folder, way, seconds=40):
    """Runs a command on a terminal."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    process = subprocess.Popen(
        ["bash", "-c", text], stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder,
        user=user, group=user, extra_groups=[], env=environment(user),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(terminal)
    if way.background:
        threading.Thread(target=lambda: drain(master), daemon=True).start()
        return process, ""
    printed, answers, end, interrupted = "", list(way.answers), time.monotonic() + seconds, False
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            printed += data.decode(errors="replace").replace("\r\n", "\n")
        if answers and re.search(answers[0][0], printed):
            os.write(master, answers.pop(0)[1].encode())
        if way.until and not interrupted and re.search(way.until, printed, re.M):
            interrupted = True
            os.write(master, b"\x03")
    else:
        process.kill()
        fail(f"has not ended within {seconds} s: {text}\n{printed}")
    status = process.wait()
    os.close(master)
    if way.until:
        if not interrupted:
            fail(f"never printed {way.until}: {text}\n{printed}")
    elif status != way.status:
        fail(f"ended with {status}: {text}\n{printed}")
    if answers:
        fail(f"never asked {answers[0][0]}: {text}\n{printed}")
    for pattern in way.prints:
        if not re.search(pattern, printed, re.M):
            fail(f"printed no {pattern}: {text}\n{printed}")
    return process, printed


def drain(descriptor):
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:
        pass


# --- What stands in for the world -----------------------------------------------------------------

async def terminate_tls(certificate, key):
    """Mainnet's nodes: TLS in front of the devkit's tangle."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def relay(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", 9000)
        await asyncio.gather(relay(reader, inner_writer), relay(inner_reader, writer),
                             return_exceptions=True)
    server = await asyncio.start_server(serve, "127.0.0.1", 443, ssl=context)
    await server.serve_forever()


def make_world():
    if not HOME.is_dir():
        fail(f"there is no {HOME}; run Tests/Package/test_readme, for this makes users and addresses")
    output(f"""
      set -e
      ip link set lo up multicast on
      ip addr add 192.168.1.20/24 dev lo
      ip route add 224.0.0.0/4 dev lo
      echo 127.0.0.1 plug.example {" ".join(NODES)} >>/etc/hosts
      useradd --create-home --shell /bin/bash seller
      useradd --create-home --shell /bin/bash buyer
      chown -R seller: {HOME}
      echo 'seller ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/seller
      install -m 755 /tmp/systemctl /usr/local/sbin/systemctl
      cd /root
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \\
        -out /usr/local/share/ca-certificates/test.crt -subj /CN=test -days 2
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr \\
        -subj /CN=plug.example
      echo subjectAltName={",".join("DNS:" + name for name in ["plug.example", *NODES])} >san
      openssl x509 -req -in tls.csr -CA /usr/local/share/ca-certificates/test.crt -CAkey ca.key \\
        -CAcreateserial -extfile san -days 2 -out tls.crt
      update-ca-certificates
      install -o mosquitto -m 644 tls.crt /etc/mosquitto/certs/fullchain.pem
      install -o mosquitto -m 600 tls.key /etc/mosquitto/certs/privkey.pem
    """)
    edit = pathlib.Path("/usr/local/bin/edit")
    edit.write_text(EDIT)
    edit.chmod(0o755)
    devkit = str(HOME / "dist/paywall-devkit")
    for arguments in (["tangle", "--chain-id", "6364aad5"],
                      ["plug", "--bind", "192.168.1.20", "--ssdp"]):
        subprocess.Popen([devkit, *arguments, "--json"], stdout=open(f"/tmp/{arguments[0]}", "w"))
        wait_for(f"the {arguments[0]} starts", lambda: os.path.getsize(f"/tmp/{arguments[0]}"))
    tls = terminate_tls("/root/tls.crt", "/root/tls.key")
    threading.Thread(target=lambda: asyncio.run(tls), daemon=True).start()


# What the seller does in the editor. An editor that finds nothing to do has failed.
EDIT = r"""#!/usr/bin/python3
import json, pathlib, re, sys
for name in sys.argv[1:]:
    file = pathlib.Path(name)
    old = file.read_text()
    address = pathlib.Path("/tmp/seller.address")
    new = re.sub('"0x0{64}"', lambda _: '"' + address.read_text() + '"', old)
    new = re.sub("^#(listener 8883|certfile|keyfile)", r"\1", new, flags=re.M)
    new = re.sub("^#(interval_ms)", r"\1", new, flags=re.M)
    if new == old:
        sys.exit(f"there is nothing to edit in {name}")
    file.write_text(new)
"""


# --- How they are run -----------------------------------------------------------------------------

values = {}


def seller_wallet(printed):
    values["0xSELLER"] = re.search("0x[0-9a-f]{64}", printed)[0]
    pathlib.Path("/tmp/seller.address").write_text(values["0xSELLER"])


def agent_publishes():
    wait_for("the agent publishes", lambda: output(
        f"mosquitto_sub -u sensor-agent -P $(cat {HOME}/agent.password) -t sensor/live -C 1 -W 2",
        check=False))


def end_agent():
    values["agent"].terminate()
    values["agent"].wait()


def buyer_gets_money(printed):
    output("runuser -u buyer -- env HOME=/home/buyer paywall wallet faucet --faucet http://127.0.0.1:9123")


TOML = "/etc/mosquitto/paywall.toml"
LOG = "/var/log/mosquitto/mosquitto.log"
MISTAKE = r"paywall\.toml:\d+.*price"


def break_configuration():
    output(f"cp -p {TOML} {TOML}.good && sed -i 's/^price .*/price = \"cheap\"/' {TOML}")
    values["mistakes"] = len(re.findall(MISTAKE, open(LOG).read()))


def mend_configuration(verb):
    output(f"mv {TOML}.good {TOML} && systemctl {verb} mosquitto")
    agent_publishes()


def refuse_to_start():
    break_configuration()
    if subprocess.run(["/usr/local/sbin/systemctl", "restart", "mosquitto"],
                      capture_output=True).returncode == 0:
        fail("the broker starts with a mistake in paywall.toml")


def mistake_is_told(_):
    wait_for("the mistake is told", lambda: len(
        re.findall(MISTAKE, open(LOG).read())) > values["mistakes"])
    mend_configuration("reload")


def make_johndoe():
    output(f"mosquitto_passwd -b /etc/mosquitto/passwd johndoe {PASSWORD}; systemctl reload mosquitto")


def make_unclaimed():
    output("runuser -u buyer -- env HOME=/home/buyer paywall pay --yes "
           f"{values['0xSELLER']} '500 i' --username johndoe --offer nosuch")
    values["DIGEST"] = wait_for("a payment is unclaimed", lambda: output(
        f"sqlite3 -readonly {LEDGER} 'SELECT digest FROM unclaimed_payments'").strip())


YES = ((r"\? \[?[yY]", "y\n"),)
TLS_SUB = "mosquitto_sub -h plug.example -p 8883 --tls-use-os-certs "
HOW = {
    "sudo apt-get install mosquitto mosquitto-clients sqlite3 ./dist/mosquitto-paywall_*.deb":
        Way(answers=((r"\[Y/n\]", "y\n"),)),
    "paywall wallet new --wallet seller.key": Way(after=seller_wallet),
    "sensor-agent --plug http://192.168.1.20:49153 --username sensor-agent "
    "--password-file agent.password": Way(background=True, after=lambda _: agent_publishes()),
    "sudo tail /var/log/mosquitto/mosquitto.log": Way(
        before=refuse_to_start, prints=(MISTAKE,), after=lambda _: mend_configuration("start")),
    "sudo systemctl reload mosquitto": Way(before=break_configuration, after=mistake_is_told),
    "sudo systemctl enable --now sensor-agent": Way(
        before=end_agent, after=lambda _: agent_publishes()),
    "sensor-agent discover": Way(prints=("192.168.1.20",)),
    "sensor-agent run --dry-run --config /etc/sensor-agent.toml": Way(until=r"\d{4,}"),
    "paywall wallet new": Way(after=buyer_gets_money),
    "paywall buy mqtts://plug.example live --for 1h": Way(answers=YES, until=r"^\d+$"),
    "paywall account mqtts://plug.example": Way(prints=("live",)),
    "paywall watch mqtts://plug.example live": Way(until=r"^\d+$"),
    TLS_SUB + "-t '$SYS/paywall/offers' -C 1": Way(prints=('"live"',)),
    'paywall pay 0xSELLER "500 i" --username johndoe': Way(before=make_johndoe, answers=YES),
    TLS_SUB + '\\\n  -u johndoe -P "$password" -t sensor/live': Way(until=r"^\d+$"),
    'paywall pay 0xSELLER "500 i"': Way(answers=YES),
    TLS_SUB + '\\\n  -u "$(paywall wallet address --json | jq -r .address)" \\\n'
    '  -P "$(paywall wallet sign-login plug.example --json | jq -r .password)" -t sensor/live':
        Way(until=r"^\d+$"),
    "paywall access": Way(before=make_unclaimed, prints=("johndoe", "buyer:", "0x")),
    "paywall payments --from 7d": Way(prints=("confirmed +johndoe", "unclaimed")),
    "paywall payments --state unclaimed": Way(prints=("unclaimed",)),
    "paywall revenue --by month": Way(prints=("total +4 +0.002$",)),
    "paywall assign DIGEST buyer:jane live": Way(prints=("to buyer:jane: 'live' until",)),
    "paywall backup /var/backups/paywall.db": Way(prints=("holds 4 payments",)),
    f'sqlite3 {LEDGER} "SELECT * FROM access_now"': Way(prints=(r"^johndoe\|live\|",)),
    f'sqlite3 {LEDGER} "SELECT * FROM revenue_by_day LIMIT 30"': Way(prints=(r"\|0.002",)),
    "sudo paywall check": Way(prints=("Nothing is wrong", "password_file .* has every account")),
    "sudo paywall verify": Way(prints=("4 payments compared, 0 differences",)),
    "paywall why buyer:jane sensor/live": Way(prints=("buyer:jane may read sensor/live",)),
    """mosquitto_sub -u sensor-agent -P "$(cat agent.password)" -v -t '$SYS/paywall/+/+'""":
        Way(until=r"(?s)(?=.*payments/confirmed 3)(?=.*accounts/active)(?=.*nodes/errors)"),
}


def main():
    started = time.monotonic()
    make_world()
    commands = commands_of_readme((HOME / "README.md").read_text())
    texts = {command.text for command in commands}
    for known in [*NOT_RUN, *HOW]:
        if known not in texts:
            fail(f"this command is no longer in the README, but in readme.py: {known}")
    has_run = []
    in_blocks = [command.words for command in commands if not command.inline]
    for command in commands:
        if command.text in NOT_RUN:
            continue
        # What only names a command that a block has.
        if command.inline and command.text not in HOW and any(
                words[:len(command.words)] == command.words for words in in_blocks):
            continue
        text = command.text
        for name in ("0xSELLER", "DIGEST"):
            text = text.replace(name, values.get(name, name))
        way = HOW.get(command.text, Way())
        user, folder = reader(command.section)
        print(f"- {user}: {command.text}", flush=True)
        if way.before:
            way.before()
        process, printed = run(text, user, folder, way)
        if "-v" in sys.argv[1:]:
            print(printed)
        if way.background:
            values["agent"] = process
        if way.after:
            way.after(printed)
        has_run.append(text)
    print(f"{len(has_run)} commands of the README have run, in {time.monotonic() - started:.0f} s")
    sys.stdout.flush()
    os._exit(0)


main()
