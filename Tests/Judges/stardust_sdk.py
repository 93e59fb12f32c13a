"""IOTA's official SDK of the Stardust era (iota-sdk 1.1.4) reads the tangle for development.

usage: stardust_sdk.py PAYWALL_DEVKIT NODE_URL
"""

import json
import subprocess
import sys
import time

from iota_sdk import (
    AddressUnlockCondition,
    BasicOutput,
    Client,
    MetadataFeature,
    NodeIndexerAPI,
    SenderFeature,
    Utils,
)

SELLER = "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac"
BUYER = "0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312"


def pay(devkit, node, amount):
    """Pays the seller; the transaction's id."""
    command = [devkit, "pay", SELLER, str(amount), "--sender", BUYER, "--username", "johndoe"]
    answer = subprocess.run(
        command + ["--node", node], check=True, capture_output=True, text=True, timeout=30)
    return json.loads(answer.stdout)["transactionId"]


def booked(client, output_id):
    """The output, once a milestone has confirmed it."""
    end = time.monotonic() + 30
    while True:
        try:
            return client.get_output(output_id)
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main():
    devkit, node = sys.argv[1:]
    client = Client(nodes=[node])
    protocol = client.get_info().nodeInfo.protocol
    assert protocol.networkName == "private_tangle1" and protocol.bech32Hrp == "tst", protocol

    transactions = [pay(devkit, node, amount) for amount in (5, 7)]
    outputs = [Utils.compute_output_id(transaction, 0) for transaction in transactions]
    for output_id, amount in zip(outputs, ("5", "7")):
        answer = booked(client, repr(output_id))
        output = answer.output
        assert isinstance(output, BasicOutput) and output.amount == amount, output
        (condition,) = output.unlockConditions
        assert isinstance(condition, AddressUnlockCondition), condition
        assert condition.address.pubKeyHash == SELLER, condition
        sender, memo = output.features
        assert isinstance(sender, SenderFeature) and sender.address.pubKeyHash == BUYER, sender
        assert isinstance(memo, MetadataFeature), memo
        assert bytes.fromhex(memo.data[2:]) == b'{"username":"johndoe"}', memo
        index = answer.metadata.milestoneIndexBooked
        assert client.get_milestone_by_index(index).index == index
        assert repr(output_id) in client.get_utxo_changes_by_index(index).createdOutputs

    address = Utils.hex_to_bech32(SELLER, protocol.bech32Hrp)
    found = client.basic_output_ids(NodeIndexerAPI.QueryParameters(address=address))
    assert {repr(each) for each in found.items} == {repr(each) for each in outputs}, found
    print("iota-sdk 1.1.4 reads the Stardust tangle")


if __name__ == "__main__":
    main()
