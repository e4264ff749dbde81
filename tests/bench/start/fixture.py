"""Lambda and AWS around a new process, until its first response."""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from contenders import completed_request, variables
from endpoint import Endpoint
from runtime_api import RuntimeApi
from trust import Trust

LIMIT = 30  # seconds for the first response


class Fixture:
    """All servers that a function calls, each with a port of its own. Use it with `with`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="envkeeper-start-"))

    def __enter__(self):
        self.trust = Trust(self.folder)
        self.endpoint = Endpoint(self.trust.server, completed_request())
        return self

    def __exit__(self, *_):
        self.endpoint.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, contender, api):
        """The variables that Lambda and the template set, without any of this machine's."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "HOME": str(self.folder),
            "LAMBDA_TASK_ROOT": str(self.folder),
            "_HANDLER": "bootstrap",
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": contender.name.replace(" ", "-"),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_REGION": "us-west-2",
            "AWS_DEFAULT_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "example",
            "AWS_SDK_UA_APP_ID": contender.name.replace(" ", "-"),
            # The first is for the functions, the second for boto3.
            "SSL_CERT_FILE": str(self.trust.bundle),
            "AWS_CA_BUNDLE": str(self.trust.bundle),
            "TRUSTED_ROOTS": str(self.trust.amazon) if contender.amazon else "",
            "CLIENTS": ",".join(contender.clients),
            **self.endpoint.variables,
            **variables(),
        }

    def once(self, contender):
        """Starts a contender and kills it after its first response. Returns the ms to the response, and the peak memory in MiB
        until then."""
        log = self.folder / "log"
        with RuntimeApi(contender.event) as api:
            began, mib = self.until_response(contender, api, log)
        ended, path, body = api.result
        calls = self.endpoint.counted()
        if not path.endswith("/response") or contender.expected not in body or calls != Counter(contender.calls):
            raise SystemExit(f"{contender.label}: {path}: {body}\nafter {dict(calls)}\n{log.read_text()}")
        return (ended - began) * 1000, mib

    def until_response(self, contender, api, log):
        """The start time of the process, and its peak memory at its response."""
        output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), output, (os.POSIX_SPAWN_DUP2, 1, 2)]
        environment = self.environment(contender, api)
        began = time.perf_counter()
        process = os.posix_spawn(contender.program[0], contender.program, environment, file_actions=files)
        running = True
        try:
            while not api.arrived.wait(0.2):
                running = os.waitpid(process, os.WNOHANG) == (0, 0)
                if not running or time.perf_counter() - began > LIMIT:
                    calls = dict(self.endpoint.counted())
                    raise SystemExit(f"{contender.label}: no response, after {calls}\n{log.read_text()}")
            return began, peak(process)
        finally:
            if running:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def peak(process):
    """The largest resident set of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
