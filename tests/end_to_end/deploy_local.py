"""`make deploy-local`: deploys the built functions to the local cloud that `make cloud` runs in another terminal.

    python deploy_local.py target/local-cloud/exports.sh       # the exports file of the local cloud

Prints the functions with their ARNs, the variables of the local cloud, and commands that use both. A further run, after another
build, updates the functions.
"""

import os
import sys
from pathlib import Path
from urllib.error import URLError

from local_cloud import FUNCTIONS, PROJECT, PROGRAM, Failed, RunningCloud, variables_of


def deploy(exports):
    """Deploys to the local cloud with this exports file, and returns the lines to print; Failed if no local cloud runs."""
    cloud = running(exports)
    cloud.deploy()
    functions = cloud.client("lambda")
    arns = [functions.get_function_configuration(FunctionName=f"{PROJECT}-{it}")["FunctionArn"] for it in FUNCTIONS]
    return lines(exports, cloud.variables, arns)


def running(exports):
    """The local cloud with this exports file. The file outlives a local cloud that was killed."""
    try:
        cloud = RunningCloud(variables_of(exports))
        cloud.control("health")
    except (FileNotFoundError, URLError) as error:
        raise Failed("no local cloud is running: start `make cloud` in another terminal, and leave it running") from error
    return cloud


def lines(exports, variables, arns):
    envkeeper = os.path.relpath(PROGRAM)
    yield "Functions of the stack envkeeper, which exports envkeeper-service-token:"
    yield from (f"  {arn}" for arn in arns)
    yield "Settings of the local cloud, for `aws` and for the SDKs:"
    yield from (f"  export {name}={value}" for name, value in variables.items())
    yield "Next, in this terminal:"
    yield f"  . {exports}; PATH=$PWD/.tools/venv/bin:$PATH"
    yield f"  {envkeeper} plan infra/examples/web.yaml"
    yield "  aws cloudformation deploy --template-file infra/examples/web.yaml --stack-name web   # polls each half minute"
    yield f"  {envkeeper} status dev"


def main(exports):
    try:
        print("\n".join(deploy(exports)))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
