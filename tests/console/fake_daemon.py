# SPDX-License-Identifier: Apache-2.0
"""A daemon that says what a test tells it to: for states that a real one is hard to bring into
(12,000 queues, answers that stay away, names that mean harm, reading that needs the token). What the
console does with real daemons is tested with real daemons.
"""
import http.server
import json
import os
import threading
import time
import urllib.parse

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript",
         ".svg": "image/svg+xml"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
CHART = "/usr/share/javascript/chart.js/chart.min.js"


def column(name, kind="gauge", unit="count"):
    return {"name": name, "kind": kind, "unit": unit, "help": f"The meaning of {name}."}


class FakeDaemon:
    """Start it, ask for .url; change .queues, .messages and the rest whenever you like."""

    def __init__(self, console, queues=1000):
        self.console = console
        self.token = "secret"
        self.reading_needs_token = False
        self.hangs = threading.Event()  # set: answers stay away
        self.released = threading.Event()
        self.started_ms = int(time.time() * 1000) - 90_000
        self.state, self.not_ready, self.warnings = "ready", [], []
        self.queues = [f"orders.{i:05}" for i in range(queues)]
        self.messages = {}  # queue -> [message]
        self.posted = []
        self.served = 0
        self.server = None

    def __enter__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.get(self)

            def do_POST(self):
                fake.post(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/console/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, code, body, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Security-Policy", POLICY)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def may(self, handler):
        return handler.headers.get("Authorization") == f"Bearer {self.token}"

    def get(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        if url.path.startswith("/console/"):
            return self.file(handler, url.path.removeprefix("/console/") or "index.html")
        if self.hangs.is_set():
            self.released.wait()
            return None
        refused = {"error": "not_allowed", "why": "a token is needed"}
        if url.path == "/api/status":
            if self.reading_needs_token and not self.may(handler):
                return self.answer(handler, 403, refused)
            self.served += 1
            return self.answer(handler, 200, self.status(query))
        if url.path == "/api/audit":
            return self.answer(handler, *((200, {"entries": []}) if self.may(handler) else (403, refused)))
        parts = [urllib.parse.unquote(x) for x in url.path.split("/")[2:]]
        found = self.messages.get(parts[1], []) if len(parts) > 2 else []
        if len(parts) == 3:
            listed = [{k: v for k, v in m.items() if k not in ("parts", "headers")} for m in found]
            return self.answer(handler, 200, {"messages": listed, "next": ""})
        if not self.may(handler):
            return self.answer(handler, 403, refused)
        one = [m for m in found if str(m["id"]) == parts[-1]]
        return self.answer(handler, *((200, one[0]) if one else (404, {"error": "not_found", "why": "no such message"})))

    def post(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if not self.may(handler):
            return self.answer(handler, 403, {"error": "not_allowed", "why": "a token is needed"})
        self.posted.append((urllib.parse.unquote(handler.path), json.loads(body or b"{}")))
        return self.answer(handler, 200, {"messages": 3})

    def file(self, handler, name):
        path = CHART if name == "chart.min.js" else os.path.join(self.console, name)
        if "/" in name or not os.path.isfile(path):
            return self.answer(handler, 404, {"error": "not_found"})
        with open(path, "rb") as file:
            return self.answer(handler, 200, file.read(), TYPES[os.path.splitext(path)[1]])

    def status(self, query):
        now = int(time.time() * 1000)
        up = (now - self.started_ms) / 1000
        rows = min(int(query.get("rows", 1000)), 10_000)
        names = [q for q in sorted(self.queues) if q.startswith(query.get("prefix", ""))
                 and q > query.get("after", "")]
        shown = [] if query.get("kind", "queue") != "queue" else names[:rows]
        queue_columns = [column("ready"), column("leased"), column("delayed"), column("consumers"),
                         column("accepted", "counter"), column("finished", "counter"), column("dead", "counter"),
                         column("bytes", unit="bytes"), column("lag", unit="seconds")]
        return {
            "program": "flotilla-store", "instance": "orders", "version": "0.1.0", "process": 4711,
            "started_ms": self.started_ms, "taken_ms": now, "state": self.state, "not_ready": self.not_ready,
            "warnings": self.warnings, "endpoints": ["tcp://127.0.0.1:5560"], "totals_kind": "store",
            "columns": {"store": [column("queues"), column("commits", "counter"), column("received", "counter"),
                                  column("finished", "counter"), column("ready"), column("leased")],
                        "queue": queue_columns},
            "text_columns": {"queue": ["order"]},
            "totals": {"queues": len(self.queues), "commits": int(up * 40), "received": int(up * 1200),
                       "finished": int(up * 1100), "ready": int(up * 100), "leased": 17},
            "objects": {"queue": [self.row(name, up) for name in shown]},
            "left_out": {"queue": len(names) - len(shown)},
            "histograms": [{"metric": "flotilla_store_commit_seconds", "help": "A commit, synced",
                            "bounds": [0.0005, 0.001, 0.005, 0.01], "counts": [int(up * 30), int(up * 8), 3, 0, 1],
                            "sum": up}],
        }

    @staticmethod
    def row(name, up):
        weight = sum(name.encode()) % 97
        return {"name": name, "order": "plain", "ready": weight * 3, "leased": weight % 5, "delayed": 0,
                "consumers": weight % 3, "accepted": int(up * weight), "finished": int(up * weight * 0.9),
                "dead": weight % 7, "bytes": weight * 4096, "lag": weight / 10}
