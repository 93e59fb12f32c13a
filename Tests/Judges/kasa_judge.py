#!/usr/bin/env python3
"""Judge how sensor-agent speaks to Kasa plugs by python-kasa, the client that Home Assistant uses.

Usage: kasa_judge.py SENSOR_AGENT

Needs `pip install python-kasa==0.12.0`. A plug of this program takes apart what sensor-agent sends,
and puts together what it answers, with python-kasa's own cipher; python-kasa reads the same plug as a
client. Exits with 0 only if both read the same.
"""

import asyncio
import json
import struct
import subprocess
import sys
import tempfile

from kasa import DeviceConfig
from kasa.transports.xortransport import XorEncryption, XorTransport

POWER_MW = 41400
questions = []


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readexactly(4)
            body = await reader.readexactly(struct.unpack(">I", head)[0])
            question = XorEncryption.decrypt(body)
            questions.append(question)
            assert json.loads(question) == {"emeter": {"get_realtime": {}}}, question
            value = {"voltage_mv": 230100, "power_mw": POWER_MW, "total_wh": 9, "err_code": 0}
            writer.write(XorEncryption.encrypt(json.dumps({"emeter": {"get_realtime": value}})))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


def agent_reads(program, port):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(
            f'[broker]\nhost = "127.0.0.1"\nport = 1\n[[plug]]\nsource = "kasa"\n'
            f'host = "127.0.0.1:{port}"\n')
        file.flush()
        run = subprocess.run(
            [program, "check", "--config", file.name], capture_output=True, text=True, timeout=60)
    return f"kasa://127.0.0.1:{port}: {POWER_MW} mW" in run.stdout, run.stdout + run.stderr


async def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reads, text = await asyncio.to_thread(agent_reads, sys.argv[1], port)
    print(f"{'ok  ' if reads and questions else 'FAIL'} sensor-agent reads {POWER_MW} mW")
    if not reads:
        print(text)
    transport = XorTransport(config=DeviceConfig("127.0.0.1", port_override=port))
    answer = await transport.send('{"emeter":{"get_realtime":{}}}')
    same = answer["emeter"]["get_realtime"]["power_mw"] == POWER_MW
    print(f"{'ok  ' if same else 'FAIL'} python-kasa reads the same plug")
    equal = len(set(questions)) == 1
    print(f"{'ok  ' if equal else 'FAIL'} both ask the same: {questions[0] if questions else ''}")
    await transport.close()
    server.close()
    # Lets the plug see that it was left.
    await asyncio.sleep(0.1)
    return 0 if reads and same and equal else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
