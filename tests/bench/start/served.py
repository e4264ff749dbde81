"""HTTP/1.1 by threads that wait for their connection before it comes: what a server adds to a measured time is little,
and the same for everybody."""

import re
import socket
import threading

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


def response(status, body, kind="application/json", headers=()):
    """A whole response, ready to be sent."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Served:
    """A port of 127.0.0.1. `answer(head, body)` gives a response, or None to leave the caller waiting until it hangs up."""

    def __init__(self, answer, tls=None, threads=3):
        self.answer, self.tls = answer, tls
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
                return  # It is closed.
            # Without it a small answer waits for the acknowledgement of what was sent before: 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as talk:
                    self.converse(talk)
            except OSError:
                """The caller has hung up or was ended, or trusts another authority: then its own answer tells."""
            finally:
                connection.close()

    def converse(self, talk):
        received = b""
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                received += more(talk)
            head, received = received[:end], received[end + 4 :]
            if CHUNKED.search(head):
                raise ValueError("a body in chunks, which nobody here sends")
            length = int(found[1]) if (found := LENGTH.search(head)) else 0
            while len(received) < length:
                received += more(talk)
            body, received = received[:length], received[length:]
            answer = self.answer(head, body)
            while answer is None:
                more(talk)
            talk.sendall(answer)


def more(talk):
    received = talk.recv(65536)
    if not received:
        raise ConnectionResetError("the caller has hung up")
    return received
