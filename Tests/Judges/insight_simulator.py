#!/usr/bin/env python3
"""A WeMo Insight that answers as recorded, and is strict about what it is asked.

Usage: insight_simulator.py [--port N]

It was written from recordings of the real device alone, apart from this project's own plug, so
that whoever reads one can be tried on the other. It prints its URL, then answers each
GetInsightParams with the next recorded sample, the last one for ever. What a real plug would
refuse, or would suffer from, it writes down as a complaint:

    GET /report   {"answered": how many, "complaints": [...], "most_at_once": n}

Python's standard library only.
"""

import argparse
import http.server
import ipaddress
import json
import threading
import xml.etree.ElementTree as ET

# Fields 0 (state) and 7 (mW) and their neighbours as devices gave them: on, on with more load,
# in standby, just switched off with the old power still shown, off, and without the last field.
SAMPLES = [
    "1|1611532924|231|300|183183|1209600|8|41400|1164707|99830512.000000|8000",
    "1|1611532924|232|301|183184|1209600|328|642585|1175417|99841222.000000|8000",
    "8|1611532930|0|301|183184|1209600|8|1190|1175437|99841242.000000|8000",
    "0|1611532931|0|301|183184|1209600|8|1170|1175437|99841242.000000|8000",
    "0|1611532931|0|301|183184|1209600|8|0|1175437|99841242.000000|8000",
    "1|1492338954|0|922|14195|15377|0|940670|15213709|227088884",
    "1|1611532999|3|304|183187|1209600|12|723945|1187503|99853307.000000|2690",
]
# What a reader must make of them, in milliwatts.
MILLIWATTS = [41400, 642585, 1190, 0, 0, 940670, 723945]

ANSWER = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>\n'
    '<u:GetInsightParamsResponse xmlns:u="urn:Belkin:service:metainfo:1">\r\n'
    "<InsightParams>%s</InsightParams>\r\n"
    "</u:GetInsightParamsResponse>\r\n"
    "</s:Body> </s:Envelope>"
)
SETUP = (
    '<?xml version="1.0"?>\n<root xmlns="urn:Belkin:device-1-0"><device>'
    "<deviceType>urn:Belkin:device:insight:1</deviceType>"
    "<UDN>uuid:Insight-1_0-231448K1200DA1</UDN></device></root>\r\n"
)
SERVICE = "urn:Belkin:service:insight:1"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


class Plug:
    def __init__(self):
        self.lock = threading.Lock()
        self.answered = 0
        self.at_once = 0
        self.most_at_once = 0
        self.complaints = []

    def next_sample(self):
        with self.lock:
            sample = SAMPLES[min(self.answered, len(SAMPLES) - 1)]
            self.answered += 1
            return sample

    def complain(self, text):
        with self.lock:
            self.complaints.append(text)

    def report(self):
        with self.lock:
            return {
                "answered": self.answered,
                "complaints": self.complaints,
                "most_at_once": self.most_at_once,
            }


PLUG = Plug()


class Handler(http.server.BaseHTTPRequestHandler):
    # The connection is closed behind each answer: the device has no keep-alive.
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/report":
            return self.send(200, "application/json", json.dumps(PLUG.report()).encode())
        if self.path == "/setup.xml":
            return self.send(200, "text/xml", SETUP.encode())
        PLUG.complain(f"GET {self.path}")
        self.send(404, "text/html", b"<html><body><h1>404 Not Found</h1></body></html>")

    def do_POST(self):
        with PLUG.lock:
            PLUG.at_once += 1
            PLUG.most_at_once = max(PLUG.most_at_once, PLUG.at_once)
        problem = self.problem()
        if problem:
            PLUG.complain(problem)
            status, answer = 500, "<s:Fault>UPnPError</s:Fault>"
        else:
            status, answer = 200, ANSWER % PLUG.next_sample()
        # Before the last byte is sent: from then on, the client may rightly ask again.
        with PLUG.lock:
            PLUG.at_once -= 1
        self.send(status, 'text/xml; charset="utf-8"', answer.encode())

    def problem(self):
        """What a real Insight would not take in this request, or None."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > 10_000:
            return f"Content-Length {length!r}"
        body = self.rfile.read(int(length))
        if self.path != "/upnp/control/insight1":
            return f"POST {self.path}"
        if self.headers.get("SOAPACTION") != f'"{SERVICE}#GetInsightParams"':
            return f"SOAPACTION {self.headers.get('SOAPACTION')!r}"
        if not self.headers.get("Content-Type", "").startswith("text/xml"):
            return f"Content-Type {self.headers.get('Content-Type')!r}"
        if self.headers.get("Expect") or self.headers.get("Transfer-Encoding"):
            return "Expect or Transfer-Encoding"
        try:
            ipaddress.ip_address(self.headers.get("Host", "").rsplit(":", 1)[0])
        except ValueError:
            return f"a Host that is a name: {self.headers.get('Host')!r}"
        try:
            root = ET.fromstring(body)
        except ET.ParseError as error:
            return f"a body that is no XML: {error}"
        action = root.find(f"{SOAP}Body/{{{SERVICE}}}GetInsightParams")
        if root.tag != f"{SOAP}Envelope" or action is None:
            return "a body without GetInsightParams in its namespace"
        return None

    def send(self, status, kind, body):
        self.send_response_only(status)
        self.send_header("CONTENT-LENGTH", str(len(body)))
        self.send_header("CONTENT-TYPE", kind)
        self.send_header("DATE", self.date_time_string())
        self.send_header("EXT", "")
        self.send_header("SERVER", "Unspecified, UPnP/1.0, Unspecified")
        self.send_header("X-User-Agent", "redsonic")
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
