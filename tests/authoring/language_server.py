"""A client of yaml-language-server over stdio (the Language Server Protocol 3.17)."""

import json
import queue
import subprocess
import threading

# Seconds. An answer takes less than one; the start of Node.js on a busy machine takes some.
LIMIT = 60


class LanguageServer:
    """A server with these settings, as an editor sends them. A context manager."""

    def __init__(self, program, settings):
        self.settings = settings
        self.messages = queue.Queue()
        self.process = subprocess.Popen(["node", program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {"workspace": {"configuration": True}}})
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": {"yaml": self.settings}}})
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def request(self, method, params):
        """The result of a request."""
        self._send({"id": method, "method": method, "params": params})
        return self._wait(lambda it: it.get("id") == method and "method" not in it)["result"]

    def diagnostics(self, uri, text):
        """The messages of an opened document, each with its line, counted from 0."""
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}})
        method = "textDocument/publishDiagnostics"
        found = self._wait(lambda it: it.get("method") == method and it["params"]["uri"] == uri)["params"]["diagnostics"]
        return [(it["range"]["start"]["line"], it["message"]) for it in found]

    def hover(self, uri, line, character):
        return self._at("textDocument/hover", uri, line, character)["contents"]["value"]

    def completions(self, uri, line, character):
        return {it["label"] for it in self._at("textDocument/completion", uri, line, character)["items"]}

    def _at(self, method, uri, line, character):
        position = {"line": line, "character": character}
        return self.request(method, {"textDocument": {"uri": uri}, "position": position})

    def _wait(self, is_meant):
        while True:
            message = self.messages.get(timeout=LIMIT)
            if message.get("method") == "workspace/configuration":
                sections = [it.get("section") for it in message["params"]["items"]]
                self._send({"id": message["id"], "result": [self.settings if it == "yaml" else None for it in sections]})
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            elif is_meant(message):
                return message

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _read(self):
        while header := self.process.stdout.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
            elif header == b"\r\n":
                self.messages.put(json.loads(self.process.stdout.read(length)))
