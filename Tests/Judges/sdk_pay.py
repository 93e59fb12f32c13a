"""Pays an address with the official IOTA SDK, so that an outsider judges the node.

Needs the wheel iota-sdk==3.0.0b1 (PyPI). The SDK derives the key, builds and signs the transaction
offline, and computes digests and object ids of its own; coins are fetched and the transaction is
sent with plain urllib over JSON-RPC. Everything that the node claims and the SDK can compute is
compared.

    sdk_pay.py NODE_URL FAUCET_URL SELLER AMOUNT_NANOS MEMO_STYLE [MEMO] [--key KEY] [--no-wait]

MEMO_STYLE  none  no memo
            raw   the bytes of MEMO in a pure input that no command uses
            bcs   the same, as a BCS string (its length in front)
            utf8  MEMO as the argument of 0x1::string::utf8
FAUCET_URL  asked for coins when the sender has too few; "-": never
KEY         24 words, or iotaprivkey1...; without it, a new random key
--no-wait   answer after execution, without waiting for the checkpoint

Prints one JSON object: digest, sender, amount, status, gasNanos, executedAtMs (this machine's clock
when the node had answered), checkpoint and timestampMs; and key, where it made a new one. Exits 1, with a sentence on standard
error, when the node refuses or fails the payment, or disagrees with the SDK.
"""

import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.request

import iota_sdk as sdk

GAS_BUDGET_NANOS = 10_000_000


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answered {error.code}: {error.read()[:200].decode(errors='replace')}")
    except (urllib.error.URLError, ValueError) as error:
        sys.exit(f"{url} gave no JSON: {error}")


def call(url, method, *params):
    answer = post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    if "error" in answer:
        sys.exit(f"{method} failed: {answer['error']['message']}")
    return answer["result"]


def all_coins(node, owner):
    coins, cursor = [], None
    while True:
        page = call(node, "iotax_getCoins", owner, None, cursor, None)
        coins += page["data"]
        cursor = page["nextCursor"]
        if not page["hasNextPage"]:
            return coins


def read_key(text):
    if text is None:
        return sdk.Ed25519PrivateKey.random()
    if text.startswith("iotaprivkey1"):
        return sdk.Ed25519PrivateKey.from_bech32(text)
    return sdk.Ed25519PrivateKey.from_mnemonic(text)


def reference(coin):
    return sdk.ObjectReference(
        object_id=sdk.ObjectId.from_hex(coin["coinObjectId"]),
        version=sdk.Version.from_u64(int(coin["version"])),
        digest=sdk.ObjectDigest.from_base58(coin["digest"]),
    )


def build_with_builder(sender, seller, amount, memo, gas, price):
    builder = sdk.TransactionBuilder(sender)
    builder = builder.split_coins(sdk.PtbArgument.gas(), [sdk.PtbArgument.u64(amount)], ["payment"])
    builder = builder.transfer_objects(seller, [sdk.PtbArgument.assigned("payment")])
    if memo is not None:
        builder = builder.move_call(
            sdk.Address.from_short_hex("0x1"),
            sdk.Identifier("string"),
            sdk.Identifier("utf8"),
            [sdk.PtbArgument.u8_vec(memo)],
        )
    return builder.gas(gas).gas_price(price).gas_budget(GAS_BUDGET_NANOS).finish()


def build_with_unused_input(sender, seller, amount, memo, gas, price):
    inputs = [
        sdk.Input.new_pure(amount.to_bytes(8, "little")),
        sdk.Input.new_pure(seller.to_bytes()),
        sdk.Input.new_pure(memo),
    ]
    split = sdk.SplitCoins(sdk.Argument.new_gas(), [sdk.Argument.new_input(0)])
    transfer = sdk.TransferObjects(
        [sdk.Argument.new_nested_result(0, 0)], sdk.Argument.new_input(1)
    )
    commands = [sdk.Command.new_split_coins(split), sdk.Command.new_transfer_objects(transfer)]
    kind = sdk.TransactionKind.new_programmable(sdk.ProgrammableTransaction(inputs, commands))
    payment = sdk.GasPayment(objects=gas, owner=sender, price=price, budget=GAS_BUDGET_NANOS)
    expiration = sdk.TransactionExpiration.NONE()
    return sdk.Transaction.new_v1(sdk.TransactionV1(kind, sender, payment, expiration))


def agree(what, node, ours):
    if node != ours:
        sys.exit(f"The node and the SDK disagree about {what}: {node} and {ours}.")


def judge_object(node, object_id):
    """Rebuilds an object from the fields that the node shows and compares its digest."""
    shown = {"showOwner": True, "showPreviousTransaction": True, "showStorageRebate": True,
             "showContent": True}
    data = call(node, "iota_getObject", object_id, shown)["data"]
    balance = int(data["content"]["fields"]["balance"])
    contents = sdk.ObjectId.from_hex(object_id).to_bytes() + balance.to_bytes(8, "little")
    move_struct = sdk.MoveStruct(
        struct_type=sdk.StructTag.new_gas_coin(),
        version=sdk.Version.from_u64(int(data["version"])),
        contents=contents,
    )
    rebuilt = sdk.Object(
        sdk.ObjectData.new_move_struct(move_struct),
        sdk.Owner.new_address(sdk.Address.from_hex(data["owner"]["AddressOwner"])),
        sdk.TransactionDigest.from_base58(data["previousTransaction"]),
        int(data["storageRebate"]),
    )
    agree(f"the digest of {object_id}", data["digest"], rebuilt.digest().to_base58())


def wait_for_checkpoint(node, digest):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        block = call(node, "iota_getTransactionBlock", digest, {})
        if "checkpoint" in block:
            return block
        time.sleep(0.05)
    sys.exit(f"{digest} is in no checkpoint after 30 seconds.")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("node")
    parser.add_argument("faucet")
    parser.add_argument("seller")
    parser.add_argument("amount", type=int)
    parser.add_argument("memo_style", choices=["none", "raw", "bcs", "utf8"])
    parser.add_argument("memo", nargs="?", default="")
    parser.add_argument("--key")
    parser.add_argument("--no-wait", action="store_true")
    given = parser.parse_args()

    key = read_key(given.key)
    sender = key.public_key().derive_address()
    owner = sender.to_hex()
    needed = given.amount + GAS_BUDGET_NANOS
    coins = all_coins(given.node, owner)
    if sum(int(coin["balance"]) for coin in coins) < needed and given.faucet != "-":
        post(f"{given.faucet}/gas", {"FixedAmountRequest": {"recipient": owner}})
        coins = all_coins(given.node, owner)

    price = int(call(given.node, "iotax_getReferenceGasPrice"))
    coins.sort(key=lambda coin: -int(coin["balance"]))
    gas, covered = [], 0
    for coin in coins[:256]:
        if covered >= needed:
            break
        gas.append(coin)
        covered += int(coin["balance"])
    if covered < needed:
        sys.exit(f"{owner} has {covered} NANOS, and needs {needed}.")

    seller = sdk.Address.from_hex(given.seller)
    references = [reference(coin) for coin in gas]
    memo = given.memo.encode()
    if given.memo_style in ("raw", "bcs"):
        data = sdk.string_to_bcs(given.memo) if given.memo_style == "bcs" else memo
        transaction = build_with_unused_input(
            sender, seller, given.amount, data, references, price
        )
    else:
        text = memo if given.memo_style == "utf8" else None
        transaction = build_with_builder(sender, seller, given.amount, text, references, price)
    tx_bytes = transaction.to_base64()

    dry = call(given.node, "iota_dryRunTransactionBlock", tx_bytes)
    agree("success of the dry run", dry["effects"]["status"], {"status": "success"})
    signature = key.sign_transaction(transaction).to_base64()
    options = {"showEffects": True, "showBalanceChanges": True, "showRawInput": True}
    done = call(
        given.node, "iota_executeTransactionBlock", tx_bytes, [signature], options,
        "WaitForLocalExecution",
    )
    executed_at_ms = int(time.time() * 1000)

    effects = done["effects"]
    digest = transaction.digest().to_base58()
    agree("the digest", done["digest"], digest)
    agree("success", effects["status"], {"status": "success"})
    signatures = [sdk.UserSignature.from_base64(signature)]
    signed = sdk.SignedTransaction(transaction=transaction, signatures=signatures)
    # SenderSignedData: one transaction, the intent's three zeros, the transaction, the signatures.
    raw = base64.b64decode(done["rawTransaction"])
    agree("the raw transaction's start", raw[:4].hex(), "01000000")
    agree("the raw transaction", raw[4:].hex(), signed.to_bcs().hex())
    created = [entry["reference"]["objectId"] for entry in effects["created"]]
    first = sdk.ObjectId.derive_id(sdk.TransactionDigest.from_base58(digest), 0).to_hex()
    agree("the id of the payment's coin", created, [first])
    for entry in effects["created"] + effects["mutated"]:
        judge_object(given.node, entry["reference"]["objectId"])
    if owner != given.seller:
        changes = {c["owner"]["AddressOwner"]: int(c["amount"]) for c in done["balanceChanges"]}
        agree("what the seller got", changes.get(given.seller), given.amount)

    used = effects["gasUsed"]
    result = {
        "digest": digest,
        "sender": owner,
        "amount": given.amount,
        "status": effects["status"]["status"],
        "gasNanos": int(used["computationCost"]) + int(used["storageCost"])
        - int(used["storageRebate"]),
        "executedAtMs": executed_at_ms,
    }
    if given.key is None:
        result["key"] = key.to_bech32()
    if not given.no_wait:
        block = wait_for_checkpoint(given.node, digest)
        result["checkpoint"] = block["checkpoint"]
        result["timestampMs"] = block["timestampMs"]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
