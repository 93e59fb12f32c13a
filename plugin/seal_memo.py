#!/usr/bin/env python3
"""Seals a name and a password into the memo of a payment, for a broker that sells by Mosquitto Paywall.

usage: mosquitto_sub -h BROKER -t '$SYS/paywall/key' -C 1 | seal_memo.py NAME [OFFER]

Reads the broker's key from the standard input and the password from the environment, as PASSWORD.
Prints the memo, which any wallet can attach. Needs PyNaCl (Debian's python3-nacl).
"""

import base64
import json
import os
import sys

from nacl.public import PublicKey, SealedBox


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main():
    if not 2 <= len(sys.argv) <= 3 or "PASSWORD" not in os.environ:
        sys.exit(__doc__)
    told = json.load(sys.stdin)
    login = {"username": sys.argv[1], "password": os.environ["PASSWORD"]}
    if len(sys.argv) > 2:
        login["offer"] = sys.argv[2]
    box = SealedBox(PublicKey(decoded(told["key"]))).encrypt(json.dumps(login).encode())
    sealed = base64.urlsafe_b64encode(decoded(told["id"]) + box).rstrip(b"=").decode()
    print(json.dumps({"sealed": sealed}, separators=(",", ":")))


main()
