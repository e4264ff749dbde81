"""Receives responses outside of the emulator's CloudFormation: a separate ResponseURL for each request."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Responses:
    """Stores each response that is PUT at one of its URLs, so that tests can count them."""

    def __init__(self):
        self.received = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def new_url(self):
        return f"http://{self.host}/{uuid.uuid4()}"

    def first_at(self, url):
        """The first response at this URL, or None."""
        return next(iter(self.all_at(url)), None)

    def all_at(self, url):
        return self.received.get(url.removeprefix(f"http://{self.host}"), [])

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.setdefault(self.path, []).append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Logs nothing."""

        return Handler
