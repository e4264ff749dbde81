"""Starts a local cloud, deploys the functions to it, and reads its state.

The deployment uses the same interfaces as on AWS: the CLI's `cloudformation package`, stacks, the Lambda API. This module does
not import or imitate any of the project's Rust.
"""

import atexit
import contextlib
import functools
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

from inventory import inventory
from responses import Responses

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))
from package import with_code  # noqa: E402

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The command line, as the documents name it where it is not installed.
PROGRAM = TARGET / "debug" / "envkeeper"
# The calls of every local cloud that this module starts, for the comparison with the functions' policies.
CALLS = ROOT / "target" / "reports" / "calls"
# The same calls of the functions, whole, for the comparison with AWS's API models.
EXCHANGES = ROOT / "target" / "reports" / "exchanges" / "stacks"
PROJECT = "scalable-ec2"
FUNCTIONS = (
    "custom-resource",
    "reconciler",
    "operator-read",
    "operator",
    "watchdog",
    "lifecycle-hook",
    "scaling-log",
    "alarm",
    "timeline",
)
# The functions that process requests of CloudFormation. The watchdog checks the requests each minute, with or without a new one.
REQUEST_FUNCTIONS = FUNCTIONS[:2]
# The functions that read properties.
PROPERTY_FUNCTIONS = FUNCTIONS[:4]
# The operator requests that the function operator-read takes.
READING = {it.stem.removesuffix("-environment") for it in (ROOT / "events" / "operator-read").glob("*.json")}


class Failed(Exception):
    """A result that a user relies on is missing."""


def until(condition, poll, limit=300.0, progress=None):
    """Polls until `poll` returns a true value, and returns that value. Fails after `limit` seconds with the name `condition`.

    A limit is far more than the duration of any wait, since other tests and builds may use the machine."""
    began = time.monotonic()
    while True:
        found = poll()
        if found:
            return found
        if time.monotonic() - began > limit:
            raise Failed(f"{condition}: not within {limit:.0f} s")
        if progress:
            progress(time.monotonic() - began)
        time.sleep(0.2)


class RunningCloud:
    """A running local cloud, by the variables that it exports."""

    # The hosts of ResponseURLs outside of the local cloud.
    response_hosts = ()

    def __init__(self, variables):
        self.variables = variables
        self.client = functools.cache(self.new_client)

    @property
    def url(self):
        return self.variables["AWS_ENDPOINT_URL"]

    def new_client(self, service):
        return self.client_of(self.variables["AWS_ACCESS_KEY_ID"], service)

    def client_of(self, access_key, service):
        """A client that signs with this access key. The local cloud verifies no signature, so that any secret is valid."""
        keys = {"aws_access_key_id": access_key, "aws_secret_access_key": self.variables["AWS_SECRET_ACCESS_KEY"]}
        region = self.variables["AWS_REGION"]
        config = Config(read_timeout=300, retries={"max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url, region_name=region, config=config, **keys)

    def principal(self, name, *statements):
        """The clients of the role with this name, by service. The role is created if it is missing; its only policy has exactly
        these statements, and replaces the policy of an earlier call. The local cloud denies each call that the policy, or the
        resource's own policy, does not allow."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": self.variables["ACCOUNT_ID"]}, "Action": "sts:AssumeRole"}
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy_document(trust))
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="principal", PolicyDocument=policy_document(*statements))
        return functools.cache(functools.partial(self.client_of, f"role.{name}"))

    def instance_principal(self, instance_id):
        """The clients of an instance, by service. They have the rights of the instance's role, within the role's boundary."""
        return functools.cache(functools.partial(self.client_of, f"instance.{instance_id}"))

    def deploy(self, packages=None, **parameters):
        """Deploys infra/template.yaml unchanged, with the functions built by `cargo build`, or with the packages in a folder.
        `parameters` are further parameters of the template."""
        code = packages or built_packages()
        self.load_emulators()
        self.create_bucket("deploy")
        with tempfile.TemporaryDirectory(prefix="envkeeper-") as folder:
            template, packaged = Path(folder, "template.yaml"), Path(folder, "packaged.yaml")
            located = with_code((ROOT / "infra" / "template.yaml").read_text(), lambda name: code / name / "bootstrap.zip")
            template.write_text(located)
            # A template without the parameter, of an earlier version, takes messages from everybody.
            redrives = {"RedriveRoles": self.operator_role} if "RedriveRoles:" in located else {}
            self.cloudformation("package", template_file=template, s3_bucket="deploy", output_template_file=packaged)
            hosts = ",".join((self.url.removeprefix("http://"), *self.response_hosts))
            parameters = {"Architecture": "x86_64", "AllowedResponseHosts": hosts, "HookPollSeconds": "1", **parameters}
            self.cloudformation(
                "deploy",
                "--no-fail-on-empty-changeset",
                *("--parameter-overrides", *(f"{name}={value}" for name, value in {**redrives, **parameters}.items())),
                template_file=packaged,
                stack_name="envkeeper",
                s3_bucket="deploy",
                capabilities="CAPABILITY_IAM",
            )

    def function_principal(self, function):
        """The clients of the role of a function, by service. They have the rights of the deployed policies."""
        configuration = self.client("lambda").get_function_configuration(FunctionName=f"{PROJECT}-{function}")
        role = configuration["Role"].rsplit("/")[-1]
        return functools.cache(functools.partial(self.client_of, f"role.{role}"))

    @property
    def operator_role(self):
        """The ARN of the role that may send to the deployment's queues, as an operator who redrives."""
        return f"arn:aws:iam::{self.variables['ACCOUNT_ID']}:role/operator"

    @functools.cached_property
    def operator(self):
        """The clients of the operator's role. The queues deny an administrator to send and to receive."""
        return self.principal("operator", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})

    def load_emulators(self):
        """Makes the first call to each service of moto, which loads the service: on a loaded machine that may take longer than
        the functions wait for a response."""
        self.client("ec2").describe_availability_zones()
        self.client("iam").list_roles()
        self.client("ssm").describe_parameters()

    def create_bucket(self, name):
        """Creates a bucket, unless an earlier deployment created it."""
        s3 = self.client("s3")
        if name not in [it["Name"] for it in s3.list_buckets()["Buckets"]]:
            region = self.variables["AWS_REGION"]
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})

    def cloudformation(self, command, *more, **options):
        """Runs a command of the AWS CLI, as the README documents it."""
        words = [ROOT / ".tools" / "venv" / "bin" / "aws", "cloudformation", command]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", value]
        environment = {**os.environ, **self.variables}
        done = subprocess.run([str(word) for word in (*words, *more)], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"cloudformation {command}: {done.stderr}")

    def envkeeper(self, *words):
        """Runs the command line in the root of the repository. Returns the exit code and the output; Failed if it had no answer."""
        command = [str(PROGRAM), *map(str, words)]
        variables = {**os.environ, **self.variables}
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
        if done.stderr:
            raise Failed(f"envkeeper {' '.join(map(str, words))}: {done.stderr}")
        return done.returncode, done.stdout

    def stack(self, name, template, parameters, update=False, progress=None):
        """Creates or updates a stack and waits for it. Returns its outputs, or raises Failed with the first reason."""
        cloudformation = self.client("cloudformation")
        write = cloudformation.update_stack if update else cloudformation.create_stack
        write(
            StackName=name,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        status = until(f"stack {name}", lambda: self.final_status(name), 600, progress)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Failed(f"stack {name}: {status}: {self.reason(name)}")
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def final_status(self, name):
        status = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return None if status.endswith("_IN_PROGRESS") else status

    def delete_stack(self, name, progress=None):
        cloudformation = self.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)

        def is_deleted():
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            if status == "DELETE_FAILED":
                raise Failed(f"stack {name}: {self.reason(stack)}")
            return status == "DELETE_COMPLETE"

        until(f"stack {name} is deleted", is_deleted, 600, progress)

    def reason(self, name):
        """The reason of the first failed resource, from CloudFormation's events."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        custom = [event for event in failed if event["ResourceType"].startswith("Custom::")]
        return next((event.get("ResourceStatusReason", "") for event in custom or failed), "no event has a reason")

    def invoke(self, function, event, kind="RequestResponse"):
        """The result of a function; Failed if the function fails. With the kind Event, Lambda retries a failed invocation and
        reports nothing."""
        name = f"{PROJECT}-{function}"
        # The samples use the documentation's account. A function is not allowed to read resources of another account.
        payload = json.dumps(event).replace("111122223333", self.variables["ACCOUNT_ID"])
        result = self.client("lambda").invoke(FunctionName=name, InvocationType=kind, Payload=payload)
        if "FunctionError" in result:
            raise Failed(f"{function}: {result['Payload'].read().decode()}")
        return json.load(result["Payload"]) if kind == "RequestResponse" else None

    def inject_faults(self, *rules):
        """Replaces the fault rules of the local cloud; without rules, ends the fault injection."""
        self.control("faults", json.dumps(rules).encode())

    def calls(self):
        """The calls that the router recorded so far."""
        return json.loads(self.control("calls"))

    def control(self, path, body=None):
        with urllib.request.urlopen(f"{self.url}/_local-cloud/{path}", data=body) as response:
            return response.read()

    def inventory(self):
        """Each resource with Envkeeper's tag or one of its names, as (kind, name, id)."""
        return inventory(self.client)

    def set_variable(self, name, value):
        """Changes an environment variable of the functions that read properties, as an operator can in the console."""
        for function in PROPERTY_FUNCTIONS:
            self.set_variable_of(function, name, value)

    def set_variable_of(self, function, name, value):
        """Changes a variable of one function, and returns its previous value."""
        functions, function = self.client("lambda"), f"{PROJECT}-{function}"
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**variables, name: value}}
        )
        return variables.get(name)


class LocalCloud(RunningCloud):
    """A local cloud of its own. Use it with `with`: the end of the block stops it, also after an exception."""

    def __init__(self, *arguments):
        super().__init__({})
        self.arguments = arguments
        self.folder = Path(tempfile.mkdtemp(prefix="envkeeper-"))
        self.exports = self.folder / "exports.sh"
        self.process = None
        self.responses = Responses()
        self.response_hosts = (self.responses.host,)

    def __enter__(self):
        command = [TARGET / "debug" / "local-cloud", "--tools", ROOT / ".tools" / "venv"]
        command += ["--exports", self.exports, "--logs", self.folder / "logs"]
        record = f"{self.folder.name}.jsonl"
        for option, folder in (("--record", CALLS), ("--record-exchanges", EXCHANGES)):
            folder.mkdir(parents=True, exist_ok=True)
            command += [option, folder / record]
        command += ["--enforce-policies", PROJECT, *self.arguments]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        # An interrupt of the tests does not reach the end of the block.
        atexit.register(self.process.terminate)
        try:
            until("the local cloud starts", lambda: self.exports.exists() or self.require_running())
        except BaseException:
            self.__exit__()
            raise
        self.variables = variables_of(self.exports)
        return self

    def __exit__(self, *_):
        self.responses.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def require_running(self):
        """False while the process runs; Failed when it exited."""
        if self.process.poll() is not None:
            raise Failed(f"the local cloud exited with {self.process.returncode}; does .tools/venv exist? (make tools)")
        return False

    def request(self, event):
        """Sends a request by direct invocation and returns the response: an operator request to the function with the fewest
        rights that takes it. The response to a CloudFormation event arrives at a separate ResponseURL."""
        if "RequestType" in event:
            return self.wait_for(self.send(event))
        return self.invoke("operator-read" if event["Request"] in READING else "operator", event)

    def send(self, event):
        """Sends an event to custom-resource as CloudFormation does, and returns the event with its ResponseURL."""
        event = {"ResponseURL": self.responses.new_url(), **event}
        self.invoke("custom-resource", event)
        return event

    def wait_for(self, event, limit=300):
        """The response to an event that was sent."""
        url = event["ResponseURL"]
        return until(f"a response to {event['RequestType']}", lambda: self.responses.first_at(url), limit)

    def kill(self, function):
        """Kills a function's processes without a warning, as a failing machine does, and returns their ids."""
        name, folder = f"AWS_LAMBDA_FUNCTION_NAME={PROJECT}-{function}".encode(), str(self.folder).encode()
        killed = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
                if name in variables and any(folder in variable for variable in variables):
                    os.kill(int(process.name), signal.SIGKILL)
                    killed.append(int(process.name))
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                """The process exited by itself, or belongs to another user."""
        return killed


def policy_document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def variables_of(exports):
    """The variables in an exports file of a local cloud."""
    exported = [line.removeprefix("export ") for line in exports.read_text().splitlines() if line.startswith("export ")]
    return dict(line.split("=", 1) for line in exported)


def built_packages():
    """The folder with a package of each function built by `cargo build`, without symbols, in the layout of `make package`.
    A package is written once for each build; other processes never read a part of one."""
    packages = TARGET / "debug" / "packages"
    for function in FUNCTIONS:
        built, package = TARGET / "debug" / function, packages / function / "bootstrap.zip"
        if not built.exists():
            raise Failed(f"{built} does not exist: run cargo build --workspace")
        if not package.exists() or package.stat().st_mtime < built.stat().st_mtime:
            write_package(built, package)
    return packages


def write_package(built, package):
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="package-", dir=package.parent) as folder:
        program, part = Path(folder, "bootstrap"), Path(folder, "part.zip")
        shutil.copy(built, program)
        if shutil.which("strip"):
            subprocess.run(["strip", str(program)], check=False)
        # Level 1: the best level takes three times as long, and the zip never leaves this machine.
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.write(program, "bootstrap")
        part.replace(package)


def web_template():
    return (ROOT / "infra" / "examples" / "web.yaml").read_text()


def progress_line(text):
    """A line that counts the seconds, on a terminal only."""
    if not sys.stdout.isatty():
        return None
    return lambda seconds: print(f"\r  {text} … {seconds:.0f} s", end="", flush=True)
