"""HTTP/1.1 by threads that wait for their connection in advance: the server adds little to a measured time, and the same to
every one."""

import re
import socket
import threading

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


def response(status, body, kind="application/json", headers=()):
    """A whole response, as the bytes to send."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Served:
    """A port of 127.0.0.1. `respond(head, body)` returns a response, or None: then the caller waits until it hangs up."""

    def __init__(self, respond, tls=None, threads=3):
        self.respond, self.tls = respond, tls
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.threads = [threading.Thread(target=self.serve, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for thread in self.threads:
            thread.join(5)

    def serve(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return  # The port is closed.
            # Without this option a small response waits for the acknowledgement of the previous bytes: 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as talk:
                    self.converse(talk)
            except OSError:
                """The caller hung up or was killed, or trusts another authority: its own result then shows the failure."""
            finally:
                connection.close()

    def converse(self, talk):
        received = b""
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                received += more(talk)
            head, received = received[:end], received[end + 4 :]
            if CHUNKED.search(head):
                raise ValueError("the body is chunked, and no contender sends chunks")
            length = int(found[1]) if (found := LENGTH.search(head)) else 0
            while len(received) < length:
                received += more(talk)
            body, received = received[:length], received[length:]
            result = self.respond(head, body)
            while result is None:
                more(talk)
            talk.sendall(result)


def more(talk):
    received = talk.recv(65536)
    if not received:
        raise ConnectionResetError("the caller has hung up")
    return received
