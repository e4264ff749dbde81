"""Starts the local cloud, deploys the functions to it, and looks at what it holds.

Everything here goes through the same doors as on AWS: the CLI's `cloudformation package`, stacks, the Lambda API. Nothing
of the project's Rust is imported or imitated.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config

from answers import Answers
from inventory import inventory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))
from package import with_code  # noqa: E402

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The calls of every local cloud that is started here, for the comparison with the functions' policies.
CALLS = ROOT / "target" / "reports" / "calls"
PROJECT = "scalable-ec2"
FUNCTIONS = ("custom-resource", "reconciler", "watchdog", "lifecycle-hook", "scaling-log", "alarm")
# Those that work for a request. The third looks after them each minute, whatever is asked.
OF_REQUESTS = FUNCTIONS[:2]


class Failed(Exception):
    """Something that a user relies on did not happen."""


def until(what, look, limit=120.0, progress=None):
    """Looks again and again until `look` returns something; fails after `limit` seconds, naming `what`."""
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() - began > limit:
            raise Failed(f"{what}: not within {limit:.0f} s")
        if progress:
            progress(time.monotonic() - began)
        time.sleep(0.2)


class LocalCloud:
    """The running local cloud. Use it with `with`: it is stopped at the end, come what may."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.folder = Path(tempfile.mkdtemp(prefix="envkeeper-"))
        self.process = None
        self.variables = {}
        self.answers = Answers()

    def __enter__(self):
        exports = self.folder / "exports.sh"
        command = [TARGET / "debug" / "local-cloud", "--tools", ROOT / ".tools" / "venv"]
        command += ["--exports", exports, "--logs", self.folder / "logs"]
        CALLS.mkdir(parents=True, exist_ok=True)
        command += ["--record", CALLS / f"{self.folder.name}.jsonl", "--enforce-policies", PROJECT, *self.arguments]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        try:
            until("the local cloud starts", lambda: exports.exists() or self.ended(), 60)
        except BaseException:
            self.__exit__()
            raise
        exported = [line for line in exports.read_text().splitlines() if line.startswith("export ")]
        for line in exported:
            name, _, value = line.removeprefix("export ").partition("=")
            self.variables[name] = value.strip("'\"")
        return self

    def __exit__(self, *_):
        self.answers.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ended(self):
        if self.process.poll() is not None:
            raise Failed(f"the local cloud ended with {self.process.returncode}; is .tools/venv there? (make tools)")
        return False

    @property
    def url(self):
        return self.variables["AWS_ENDPOINT_URL"]

    def client(self, service):
        keys = {
            "aws_access_key_id": self.variables["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.variables["AWS_SECRET_ACCESS_KEY"],
        }
        region = self.variables["AWS_REGION"]
        config = Config(read_timeout=300, retries={"max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url, region_name=region, config=config, **keys)

    def deploy(self, packages=None):
        """Deploys infra/template.yaml as it stands, with the functions built by `cargo build`, or with packages in a folder."""
        code = self.folder / "staged"
        if packages:
            unpack(packages, code)
        else:
            stage(code)
        self.client("s3").create_bucket(
            Bucket="deploy", CreateBucketConfiguration={"LocationConstraint": self.variables["AWS_REGION"]}
        )
        template, packaged = self.folder / "template.yaml", self.folder / "packaged.yaml"
        template.write_text(with_code((ROOT / "infra" / "template.yaml").read_text(), lambda name: code / name))
        self.cloudformation("package", template_file=template, s3_bucket="deploy", output_template_file=packaged)
        hosts = f"{self.url.removeprefix('http://')},{self.answers.host}"
        parameters = {"Architecture": "x86_64", "AllowedResponseHosts": hosts, "HookPollSeconds": "1"}
        self.cloudformation(
            "deploy",
            *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
            template_file=packaged,
            stack_name="envkeeper",
            s3_bucket="deploy",
            capabilities="CAPABILITY_IAM",
        )

    def cloudformation(self, command, *more, **options):
        """As the README says it: by AWS's CLI."""
        words = [ROOT / ".tools" / "venv" / "bin" / "aws", "cloudformation", command]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", value]
        environment = {**os.environ, **self.variables}
        done = subprocess.run([str(word) for word in (*words, *more)], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"cloudformation {command}: {done.stderr}")

    def stack(self, name, template, parameters, update=False, progress=None):
        """Creates or updates a stack and waits for it; its outputs, or Failed with the first reason."""
        cloudformation = self.client("cloudformation")
        act = cloudformation.update_stack if update else cloudformation.create_stack
        act(
            StackName=name,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        status = until(f"stack {name}", lambda: self.ended_status(name), 300, progress)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Failed(f"stack {name}: {status}: {self.reason(name)}")
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def ended_status(self, name):
        status = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return None if status.endswith("_IN_PROGRESS") else status

    def delete_stack(self, name, progress=None):
        cloudformation = self.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)

        def gone():
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            if status == "DELETE_FAILED":
                raise Failed(f"stack {name}: {self.reason(stack)}")
            return status == "DELETE_COMPLETE"

        until(f"stack {name} is deleted", gone, 300, progress)

    def reason(self, name):
        """The reason of the first resource that failed, as CloudFormation's events tell it."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        custom = [event for event in failed if event["ResourceType"].startswith("Custom::")]
        return next((event.get("ResourceStatusReason", "") for event in custom or failed), "no reason is told")

    def ask(self, request):
        """A request by direct invocation. An event of CloudFormation's is answered at an address of our own."""
        if "RequestType" in request:
            return self.wait_for(self.send(request))
        return self.invoke("custom-resource", request)

    def send(self, event):
        """Sends an event to the door as CloudFormation does, and gives the event with the address for its answer."""
        event = {"ResponseURL": self.answers.new_url(), **event}
        self.invoke("custom-resource", event)
        return event

    def wait_for(self, event, limit=120):
        """The answer to an event that was sent."""
        url = event["ResponseURL"]
        return until(f"an answer to {event['RequestType']}", lambda: self.answers.at(url), limit)

    def invoke(self, function, event, kind="RequestResponse"):
        """What a function answers; Failed if it fails. Of the kind Event, Lambda repeats it and tells nothing."""
        name = f"{PROJECT}-{function}"
        # The samples are of the documentation's account: of what is in another one, a function may ask nothing.
        payload = json.dumps(event).replace("111122223333", self.variables["ACCOUNT_ID"])
        answer = self.client("lambda").invoke(FunctionName=name, InvocationType=kind, Payload=payload)
        if "FunctionError" in answer:
            raise Failed(f"{function}: {answer['Payload'].read().decode()}")
        return json.load(answer["Payload"]) if kind == "RequestResponse" else None

    def kill(self, function):
        """Ends a function's processes as a machine that fails does, and gives their ids. It does not hear of it."""
        name, ours = f"AWS_LAMBDA_FUNCTION_NAME={PROJECT}-{function}".encode(), str(self.folder).encode()
        killed = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
                if name in variables and any(ours in variable for variable in variables):
                    os.kill(int(process.name), signal.SIGKILL)
                    killed.append(int(process.name))
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                """It ended by itself, or is somebody else's."""
        return killed

    def fails(self, *rules):
        """What is to go wrong from now on, by the rules of the local cloud; none of them ends it."""
        self.control("faults", json.dumps(rules).encode())

    def calls(self):
        """What the router recorded so far."""
        return json.loads(self.control("calls"))

    def control(self, what, body=None):
        with urllib.request.urlopen(f"{self.url}/_local-cloud/{what}", data=body) as answer:
            return answer.read()

    def inventory(self):
        """Everything that carries Envkeeper's tag or one of its names, as (kind, name, id)."""
        return inventory(self.client)

    def set_variable(self, name, value):
        """Changes an environment variable of those that read properties, as somebody might in the console."""
        for function in OF_REQUESTS:
            self.set_variable_of(function, name, value)

    def set_variable_of(self, function, name, value):
        """Changes a variable of one function, and gives what it was."""
        functions, function = self.client("lambda"), f"{PROJECT}-{function}"
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**variables, name: value}}
        )
        return variables.get(name)


def stage(folder):
    """Puts what `cargo build` made of each function, without its symbols, into a folder as a template's CodeUri wants it."""
    for function in FUNCTIONS:
        staged = folder / function
        staged.mkdir(parents=True, exist_ok=True)
        built = TARGET / "debug" / function
        if not built.exists():
            raise Failed(f"{built} is not there: cargo build --workspace")
        shutil.copy2(built, staged / "bootstrap")
        if shutil.which("strip"):
            subprocess.run(["strip", str(staged / "bootstrap")], check=False)


def unpack(packages, folder):
    """The same with what `make package` made."""
    for function in FUNCTIONS:
        with zipfile.ZipFile(packages / function / "bootstrap.zip") as archive:
            archive.extractall(folder / function)
        (folder / function / "bootstrap").chmod(0o755)


def web_template():
    return (ROOT / "infra" / "examples" / "web.yaml").read_text()


def progress_line(what):
    """A line that counts the seconds, on a terminal only."""
    if not sys.stdout.isatty():
        return None
    return lambda seconds: print(f"\r  {what} … {seconds:.0f} s", end="", flush=True)
