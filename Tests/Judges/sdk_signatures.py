"""Makes logins and payers' signatures of all schemes with the official IOTA SDK, with new keys.

Needs the wheel iota-sdk==3.0.0b1 (PyPI).

    sdk_signatures.py [FLIPS [REALM EXPIRY]]

Writes JSON on standard output: "logins" with realm, username and password, "transactions" as nodes
give them (SenderSignedData), both with the SDK's own judgement. Each login is also given with FLIPS
random bits of its signature changed, 0 unless told. Tests/Vectors/signature_vectors.json is one
output of it.
"""

import base64
import hashlib
import json
import pathlib
import random
import sys

import iota_sdk as sdk

REALM = sys.argv[2] if len(sys.argv) > 2 else "plug.example"
EXPIRY = int(sys.argv[3]) if len(sys.argv) > 3 else 1800000000
MESSAGE = sdk.PersonalMessage(f"mqtt-paywall login {REALM} {EXPIRY}".encode())
KINDS = [sdk.Ed25519PrivateKey, sdk.Secp256k1PrivateKey, sdk.Secp256r1PrivateKey]
ORDERS = {
    1: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    2: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
PASSKEY = b"\x04" + sdk.Secp256r1PrivateKey.random().public_key().to_bytes()


def message_signature(key):
    return key.sign_personal_message(MESSAGE).to_bytes()


def member(key):
    """A key as multisig holds it: for the three kinds, the variant is the flag."""
    if isinstance(key, bytes):
        return key
    return message_signature(key)[:1] + key.public_key().to_bytes()


def multisig(signatures, bitmap, members, threshold):
    """A multisig's bytes, well-formed or not, of which the SDK makes the good ones only."""
    return (bytes([3, len(signatures)]) + b"".join(s[:65] for s in signatures)
            + bitmap.to_bytes(2, "little")
            + bytes([len(members)]) + b"".join(member(k) + bytes([w]) for k, w in members)
            + threshold.to_bytes(2, "little"))


def address_of(signature):
    if signature.is_multisig():
        return signature.as_multisig().committee().derive_address().to_hex()
    key = signature.as_simple()
    for kind in ("ed25519", "secp256k1", "secp256r1"):
        if getattr(key, f"is_{kind}")():
            return getattr(key, f"{kind}_public_key")().derive_address().to_hex()


def is_valid(content, digest, address):
    try:
        signature = sdk.UserSignature.from_bytes(content)
        sdk.UserSignatureVerifier().verify(digest, signature)
        return address_of(signature) == address
    except sdk.SdkFfiError:
        return False


def committee_address(members, threshold):
    """The address that the members would have, so that a refusal is for nothing but the flaw.

    The SDK makes none of a flawed committee; that this is right, the good ones show.
    """
    content = b"\x03" + threshold.to_bytes(2, "little")
    for key, weight in members:
        flagged = member(key)
        flag = {0: b"", 4: b"\x06"}.get(flagged[0], flagged[:1])
        content += flag + flagged[1:] + bytes([weight])
    return "0x" + hashlib.blake2b(content, digest_size=32).hexdigest()


class Logins:
    def __init__(self, flips):
        self.flips = flips
        self.cases = []

    def add(self, name, content, address):
        self.case(name, content, address)
        for _ in range(self.flips):
            changed = bytearray(content)
            position = random.randrange(len(changed))
            changed[position] ^= 1 << random.randrange(8)
            self.case(f"{name}, byte {position} changed", bytes(changed), address)

    def case(self, name, content, address):
        self.cases.append({
            "name": name, "realm": REALM, "username": address,
            "password": f"{EXPIRY}.{base64.b64encode(content).decode()}",
            "valid": is_valid(content, MESSAGE.signing_digest(), address),
        })


def high_s(signature):
    changed = bytearray(signature)
    s = int.from_bytes(changed[33:65], "big")
    changed[33:65] = (ORDERS[changed[0]] - s).to_bytes(32, "big")
    return bytes(changed)


def single_keys(logins):
    for kind in KINDS:
        key = kind.random()
        name = kind.__name__.removesuffix("PrivateKey")
        signature = message_signature(key)
        address = key.public_key().derive_address().to_hex()
        logins.add(name, signature, address)
        logins.case(f"{name} of another", message_signature(kind.random()), address)
        if signature[0] in ORDERS:
            logins.case(f"{name}, high s", high_s(signature), address)
            while signature[1] and signature[33]:
                key = kind.random()
                signature = message_signature(key)
            logins.case(f"{name} with a short number", signature,
                        key.public_key().derive_address().to_hex())


def multisigs(logins):
    a, b, c = (kind.random() for kind in KINDS)
    sa, sb, sc = (message_signature(key) for key in (a, b, c))
    trio = [(a, 1), (b, 2), (c, 3)]
    for name, signatures, bitmap, members, threshold in [
        ("all of three", [sa, sb, sc], 0b111, trio, 6),
        ("two of three", [sa, sb], 0b011, trio, 3),
        ("one that is enough", [sc], 0b100, trio, 3),
        ("more than enough", [sa, sb, sc], 0b111, trio, 1),
        ("one of one", [sb], 1, [(b, 255)], 255),
        ("a passkey that does not sign", [sa], 1, [(a, 1), (PASSKEY, 1)], 1),
        ("too little weight", [sa, sb], 0b011, trio, 4),
        ("wrong order", [sb, sa], 0b011, trio, 3),
        ("one twice", [sb, sb], 0b011, trio, 3),
        ("one of two for somebody else", [sa, sb], 0b101, trio, 3),
        ("a bit too many", [sa, sb], 0b111, trio, 3),
        ("a bit beyond the members", [sa, sb, sc], 0b1011, trio, 3),
        ("the highest bit", [sa, sb, sc], 0b011 | 1 << 15, trio, 3),
        ("a signature too many", [sa, sb, sc], 0b011, trio, 3),
        ("no signature", [], 0, trio, 1),
        ("a weight of zero", [sc], 0b100, [(a, 0), (b, 2), (c, 3)], 3),
        ("a threshold of zero", [sc], 0b100, trio, 0),
        ("a threshold out of reach", [sa, sb, sc], 0b111, trio, 7),
        ("the same member twice", [sa, sa], 0b11, [(a, 1), (a, 1)], 2),
        ("a signature said to be of another scheme", [b"\x02" + sb[1:]], 1, [(b, 1)], 1),
        ("a high s", [high_s(sb)], 1, [(b, 1)], 1),
        ("no members", [], 0, [], 0),
    ]:
        logins.add(f"multisig, {name}", multisig(signatures, bitmap, members, threshold),
                   committee_address(members, threshold))
    keys = [random.choice(KINDS).random() for _ in range(11)]
    for count, valid_bits in ((10, 1023), (11, 2047)):
        members = [(key, 255) for key in keys[:count]]
        signatures = [message_signature(key) for key, _ in members]
        logins.case(f"multisig, {count} members",
                    multisig(signatures, valid_bits, members, 255 * count),
                    committee_address(members, 255 * count))


def uleb128(number):
    return bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80]) + uleb128(number >> 7)


def payments():
    """Those of the vectors, sent by owners of other schemes."""
    vectors = pathlib.Path(__file__).parent.parent / "Vectors" / "rebased_vectors.json"
    plain = json.loads(vectors.read_text())["transactions"][0]
    old = bytes.fromhex(plain["sender"][2:])
    ed25519, secp256k1, secp256r1 = (kind.random() for kind in KINDS)
    members = [(ed25519, 1), (secp256k1, 1), (secp256r1, 1)]
    for name, signers, address in [
        ("secp256k1", [secp256k1], secp256k1.public_key().derive_address().to_hex()),
        ("secp256r1", [secp256r1], secp256r1.public_key().derive_address().to_hex()),
        ("multisig", [ed25519, secp256r1], committee_address(members, 2)),
        ("secp256k1 of another", [sdk.Secp256k1PrivateKey.random()],
         secp256k1.public_key().derive_address().to_hex()),
    ]:
        content = base64.b64decode(plain["tx_bytes_base64"]).replace(old, bytes.fromhex(address[2:]))
        transaction = sdk.Transaction.from_base64(base64.b64encode(content).decode())
        parts = [signer.sign_transaction(transaction).to_bytes() for signer in signers]
        signature = parts[0] if len(parts) == 1 else multisig(parts, 0b101, members, 2)
        signed = (b"\x01\x00\x00\x00" + content + b"\x01" + uleb128(len(signature)) + signature)
        yield {
            "name": name, "sender": address, "signed_base64": base64.b64encode(signed).decode(),
            "valid": is_valid(signature, transaction.signing_digest(), address),
        }


def main():
    logins = Logins(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    single_keys(logins)
    multisigs(logins)
    json.dump({"logins": logins.cases, "transactions": list(payments())}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
