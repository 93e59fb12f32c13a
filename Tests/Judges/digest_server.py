#!/usr/bin/env python3
"""A Shelly of the second generation that has a password, as a judge of digest logins.

Usage: digest_server.py SHA-256|MD5 PASSWORD

Written from RFC 7616 alone, with nothing of the project. The challenge is worded as Shelly's
documentation words it. A nonce is good for one connection's worth of requests, counted by nc, and
every one that is used twice with the same count is refused. Prints its URL.
"""

import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading

REALM = "shellyplus1pm-a8032ab636ec"
USER = "admin"
HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
ALGORITHM = sys.argv[1] if len(sys.argv) > 2 else sys.exit(__doc__)
PASSWORD = sys.argv[2]
FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


def digest(text):
    return HASHES[ALGORITHM](text.encode()).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    counts = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        if not self.is_allowed():
            nonce = os.urandom(8).hex()
            with self.lock:
                self.counts[nonce] = set()
            challenge = f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", algorithm={ALGORITHM}'
            return self.send(401, b"", [("WWW-Authenticate", challenge)])
        status = {"id": 0, "source": "WS_in", "output": True, "apower": 41.4, "voltage": 230.1}
        self.send(200, json.dumps(status).encode(), [])

    def is_allowed(self):
        header = self.headers.get("Authorization", "")
        if not header.startswith("Digest "):
            return False
        fields = {name: quoted or bare for name, quoted, bare in FIELD.findall(header[7:])}
        nonce, count = fields.get("nonce"), fields.get("nc", "")
        if fields.get("algorithm", "MD5") != ALGORITHM or fields.get("qop") != "auth":
            return False
        if fields.get("username") != USER or fields.get("realm") != REALM:
            return False
        if fields.get("uri") != self.path or not re.fullmatch("[0-9a-f]{8}", count):
            return False
        with self.lock:
            if nonce not in self.counts or count in self.counts[nonce]:
                return False
            self.counts[nonce].add(count)
        # RFC 7616, sections 3.4.1 to 3.4.3.
        a1 = digest(f"{USER}:{REALM}:{PASSWORD}")
        a2 = digest(f"GET:{self.path}")
        expected = digest(f"{a1}:{nonce}:{count}:{fields.get('cnonce', '')}:auth:{a2}")
        return hmac.compare_digest(expected, fields.get("response", ""))

    def send(self, status, body, headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
