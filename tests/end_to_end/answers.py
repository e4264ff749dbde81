"""Where answers arrive that are not for the emulator's CloudFormation: a ResponseURL of our own for each request."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers:
    """Takes what is PUT at the addresses that it gives away, and counts how often."""

    def __init__(self):
        self.arrived = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def new_url(self):
        return f"http://{self.host}/{uuid.uuid4()}"

    def at(self, url):
        """The first answer at this address, or None."""
        return next(iter(self.all_at(url)), None)

    def all_at(self, url):
        return self.arrived.get(url.removeprefix(f"http://{self.host}"), [])

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        arrived = self.arrived

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                arrived.setdefault(self.path, []).append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Says nothing."""

        return Handler
