"""Starts moto by a fork of a process that has loaded it. A moto that starts by itself takes two seconds of processor time, and
the tests start more than a hundred of them.

    python moto_forks.py serve COMMAND...    # runs the command with MOTO_FORKS set, and serves forks until it ends
    python moto_forks.py start ARGUMENTS...  # as `moto_server ARGUMENTS...`, by a fork of the process behind MOTO_FORKS

The process that was started and its fork end together: each sees the end of their connection.
"""

import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading

SOCKET = "MOTO_FORKS"
ACCOUNT = "123456789012"
# The services of the tests, with the region of their backend. moto loads any other one at its first request.
SERVICES = {"autoscaling": "us-west-2", "ec2": "us-west-2", "elbv2": "us-west-2", "iam": "aws", "s3": "aws", "ssm": "us-west-2"}
LONGEST_MESSAGE = 65_536


def load():
    """Imports moto, and builds the backends: the managed policies of IAM alone take a second."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    import moto.server
    from moto import backends

    for service, region in SERVICES.items():
        backends.get_backend(service)[ACCOUNT][region]
    gc.freeze()
    return moto.server


def become_moto(moto, client):
    """Runs moto in this forked process, with the arguments, the environment and the output of the client."""
    from moto.moto_api._internal import mock_random

    message, files, _, _ = socket.recv_fds(client, LONGEST_MESSAGE, 2)
    given = json.loads(message)
    os.setsid()
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(given["environment"])
    # Each fork has ids of its own.
    mock_random.seed()

    def end_with_client():
        client.recv(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=end_with_client, daemon=True).start()
    moto.main(given["arguments"])


def serve(command):
    """Runs the command, and forks a moto for each client until the command ends. Returns its exit status."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        path = os.path.join(folder, "forks")
        listener.bind(path)
        listener.listen(64)
        child = subprocess.Popen(command, env={**os.environ, SOCKET: path})
        # A terminal's Ctrl-C reaches the command, whose end ends this process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        moto = load()
        forks = set()
        with selectors.DefaultSelector() as events:
            events.register(listener, selectors.EVENT_READ)
            events.register(os.pidfd_open(child.pid), selectors.EVENT_READ)
            while child.poll() is None:
                for key, _ in events.select():
                    if key.fileobj is not listener:
                        continue
                    client, _ = listener.accept()
                    with client:
                        fork = os.fork()
                        if not fork:
                            try:
                                become_moto(moto, client)
                            finally:
                                os._exit(1)
                    forks.add(fork)
                forks -= {fork for fork in forks if os.waitpid(fork, os.WNOHANG)[0]}
    return child.returncode


def start(arguments):
    """Waits for the end of the fork, which is an error: the tests kill this process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(os.environ[SOCKET])
        message = json.dumps({"arguments": arguments, "environment": dict(os.environ)})
        socket.send_fds(server, [message.encode()], [1, 2])
        server.recv(1)
    return 1


if __name__ == "__main__":
    sys.exit({"serve": serve, "start": start}[sys.argv[1]](sys.argv[2:]))
