"""Judges the command `paywall` with the official IOTA SDK.

Needs the wheel iota-sdk==3.0.0b1 (PyPI), a node and a faucet (paywall-devkit tangle, or a local
network). What `paywall` sends to the node is recorded on its way and read by the SDK alone.

    sdk_wallet.py PAYWALL NODE_URL FAUCET_URL

Checks that
- a new mnemonic and the key file mean the same address to the SDK, for several derivation indexes;
- keys and mnemonics of the SDK are imported to the same address, and other schemes are refused;
- payments without a memo, with one in an unused input, with one as an argument of
  0x1::string::utf8, and out of several coins are transactions that the SDK reads, writes back byte
  for byte and names alike, that say what was ordered, and whose signature the SDK verifies;
- a login's password is a personal-message signature that the SDK verifies.

Prints one line for each, and exits 1 at the first that does not hold, with a sentence on standard
error.
"""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request

import iota_sdk as sdk

SELLER = "0x" + "5e11e4" * 10 + "5e11"


def agree(what, ours, sdks):
    if ours != sdks:
        sys.exit(f"paywall and the SDK disagree about {what}: {ours} and {sdks}.")


def told(what):
    print(f"agreed: {what}", flush=True)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Hands requests on to the node, and keeps the parameters of executions."""

    node = ""
    executions = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = json.loads(body)
        if call["method"] == "iota_executeTransactionBlock":
            self.executions.append(call["params"])
        request = urllib.request.Request(self.node, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = response.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Wallet:
    """A key file in a temporary folder, used through the command."""

    def __init__(self, command, folder, name):
        self.command = command
        self.path = os.path.join(folder, name)

    def run(self, *arguments, stdin="", fails=False):
        done = subprocess.run(
            [self.command, *arguments, "--wallet", self.path, "--json"],
            input=stdin, capture_output=True, text=True, timeout=120,
        )
        if fails:
            if done.returncode == 0:
                sys.exit(f"paywall {' '.join(arguments)} should have failed.")
            return done.stderr
        if done.returncode != 0:
            sys.exit(f"paywall {' '.join(arguments)} failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def key_text(self):
        with open(self.path, encoding="ascii") as file:
            return file.read().strip()


def address_of(key):
    return key.public_key().derive_address().to_hex()


def judge_keys(command, folder):
    words = None
    for index in (0, 1, 7, 2**31 - 1):
        wallet = Wallet(command, folder, f"new-{index}")
        new = wallet.run("wallet", "new", "--words", "--index", str(index))
        words = new["mnemonic"]
        agree("the number of words", len(words.split()), 24)
        agree("the key of the mnemonic", new["address"],
              address_of(sdk.Ed25519PrivateKey.from_mnemonic(words, index)))
        agree("the key file", new["address"],
              address_of(sdk.Ed25519PrivateKey.from_bech32(wallet.key_text())))
        agree("the address", wallet.run("wallet", "address")["address"], new["address"])
    told("new mnemonics and key files")

    for index in (0, 5):
        wallet = Wallet(command, folder, f"words-{index}")
        imported = wallet.run("wallet", "new", "--import", "--index", str(index), stdin=words)
        agree("an imported mnemonic", imported["address"],
              address_of(sdk.Ed25519PrivateKey.from_mnemonic(words, index)))
    for number in range(10):
        key = sdk.Ed25519PrivateKey.random()
        wallet = Wallet(command, folder, f"key-{number}")
        imported = wallet.run("wallet", "new", "--import", stdin=key.to_bech32())
        agree("an imported key", imported["address"], address_of(key))
        agree("the text of an imported key", wallet.key_text(), key.to_bech32())
    other = sdk.Secp256k1PrivateKey.random().to_bech32()
    refusal = Wallet(command, folder, "other").run("wallet", "new", "--import", stdin=other,
                                                   fails=True)
    if "secp256k1" not in refusal or other in refusal:
        sys.exit(f"A secp256k1 key was refused in other words than expected: {refusal}")
    told("imported mnemonics and keys")


def judge_payment(wallet, recorder_url, amount, memo_arguments, memo, form):
    Recorder.executions.clear()
    paid = wallet.run("pay", SELLER, str(amount), "nanos", "--yes", "--node", recorder_url,
                      *memo_arguments)
    agree("how often a payment was sent", len(Recorder.executions), 1)
    tx_base64, signatures = Recorder.executions[0][:2]
    transaction = sdk.Transaction.from_base64(tx_base64)
    agree("the bytes", tx_base64, transaction.to_base64())
    agree("the digest", paid["digest"], transaction.digest().to_base58())
    sender = wallet.run("wallet", "address")["address"]
    agree("the sender", sender, transaction.sender().to_hex())

    agree("the number of signatures", len(signatures), 1)
    signature = sdk.UserSignature.from_base64(signatures[0])
    agree("the signing key", sender,
          signature.as_simple().ed25519_public_key().derive_address().to_hex())
    sdk.UserSignatureVerifier().verify(transaction.signing_digest(), signature)

    content = json.loads(transaction.to_json())["V1"]["kind"]["Programmable"]
    expected = [amount.to_bytes(8, "little"), bytes.fromhex(SELLER[2:])]
    if form == "input":
        expected.append(memo.encode())
    elif form == "string":
        expected.append(sdk.string_to_bcs(memo))
    pure = [sdk.Input.new_pure(value) for value in expected]
    agree("the inputs", content["inputs"], [json.loads(value.to_json()) for value in pure])
    names = [next(iter(command)) for command in content["commands"]]
    agree("the commands", names,
          ["SplitCoins", "TransferObjects"] + (["MoveCall"] if form == "string" else []))
    return len(transaction.gas_payment().objects)


def judge_payments(command, folder, recorder_url, faucet):
    wallet = Wallet(command, folder, "payer")
    wallet.run("wallet", "new")
    received = wallet.run("wallet", "faucet", "--faucet", faucet)["received_nanos"]
    memo = '{"username":"johndoe"}'
    username = ["--username", "johndoe"]
    judge_payment(wallet, recorder_url, 500_000, [], None, None)
    told("a payment without a memo")
    judge_payment(wallet, recorder_url, 500_000, username, memo, "input")
    told("a payment with a memo in an unused input")
    judge_payment(wallet, recorder_url, 500_000, username + ["--memo-form", "string"], memo,
                  "string")
    told("a payment with a memo as an argument")
    coins = judge_payment(wallet, recorder_url, received * 3 // 4, [], None, None)
    told(f"a payment out of {coins} coin(s)")


def judge_login(command, folder):
    wallet = Wallet(command, folder, "login")
    wallet.run("wallet", "new")
    for realm in ("plug.example", "Prüfstand 1"):
        login = wallet.run("wallet", "sign-login", realm, "--for", "7d")
        expiry, base64 = login["password"].split(".")
        message = sdk.PersonalMessage(f"mqtt-paywall login {realm} {expiry}".encode())
        signature = sdk.UserSignature.from_base64(base64)
        sdk.UserSignatureVerifier().verify(message.signing_digest(), signature)
        agree("who logs in", login["username"],
              signature.as_simple().ed25519_public_key().derive_address().to_hex())
    told("logins")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    command, Recorder.node, faucet = sys.argv[1:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        judge_keys(command, folder)
        judge_payments(command, folder, f"http://127.0.0.1:{server.server_port}", faucet)
        judge_login(command, folder)
    server.shutdown()


if __name__ == "__main__":
    main()
