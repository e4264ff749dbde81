"""Lambda's runtime API, as far as a function needs it for its first event
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html)."""

import json
import threading
import time

from served import Served, response

ACCEPTED = response("202 Accepted", b'{"status":"OK"}')


class RuntimeApi:
    """Gives one event to one process, and receives its first result, a response or an error: `result` is the time, the path
    and the body. Use it with `with`. The next process gets a port of its own, so a late message of a killed process reaches
    no other process."""

    def __init__(self, event):
        headers = [
            "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + 60) * 1000)}",
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-west-2:123456789012:function:bench",
            "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        ]
        self.next = response("200 OK", json.dumps(event).encode(), headers=headers)
        self.result, self.arrived = None, threading.Event()
        self.lock = threading.Lock()

    def __enter__(self):
        self.served = Served(self.respond)
        self.address = f"127.0.0.1:{self.served.port}"
        return self

    def __exit__(self, *_):
        self.served.close()

    def respond(self, head, body):
        now = time.perf_counter()
        path = head.split(b" ", 2)[1]
        with self.lock:
            if path.endswith(b"/invocation/next"):
                event, self.next = self.next, None
                return event
            if self.result is None:
                self.result = (now, path.decode(), body.decode())
                self.arrived.set()
        return ACCEPTED
