"""`make demo`: the life of one environment on the local cloud, as a user sees it."""

import json
import os
import signal
import sys
import time

from local_cloud import ROOT, Failed, LocalCloud, progress_line, until, web_template

ENVIRONMENT = {"EnvironmentSuffix": "dev", "MinSize": "1", "MaxSize": "3", "InstanceType": "t3.micro", "Tags": {"team": "web"}}
CHANGES = {"MaxSize": "5", "InstanceType": "t3.small"}


class Report:
    """What was seen: printed, and written to target/reports/demo.json."""

    def __init__(self):
        self.steps = []
        self.began = time.monotonic()

    def step(self, title, act):
        began = time.monotonic()
        print(f"\n== {title}", flush=True)
        result = act()
        seconds = time.monotonic() - began
        end = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{end}   done in {seconds:.1f} s", flush=True)
        self.steps.append({"name": title, "ok": True, "seconds": round(seconds, 3)})
        return result

    def write(self, **more):
        folder = ROOT / "target" / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        report = {"steps": self.steps, "seconds": round(time.monotonic() - self.began, 3), **more}
        (folder / "demo.json").write_text(json.dumps(report, indent=2) + "\n")
        return report


def show(lines):
    print("\n".join(f"   {line}" for line in lines), flush=True)


def check(truth, sentence):
    if not truth:
        raise Failed(sentence)


def plan(cloud, properties):
    answer = cloud.ask({"Request": "plan", "ResourceProperties": properties})
    check("Plan" in answer, f"no plan: {answer}")
    show(answer["Plan"].rstrip().splitlines())
    return answer


def parameters(properties):
    names = {"Suffix": "EnvironmentSuffix", "MinSize": "MinSize", "MaxSize": "MaxSize", "InstanceType": "InstanceType"}
    return {parameter: properties[name] for parameter, name in names.items()}


def resources(cloud):
    found = cloud.inventory()
    show(f"{kind:<20} {name:<42} {identity}" for kind, name, identity in found)
    return found


def writes(cloud):
    """The writing calls that the function made so far, those on its records aside."""
    reads = ("Describe", "Get", "List")
    aws = ("ec2", "iam", "autoscaling", "logs")
    return [
        f"{call['service']}:{call['operation']}"
        for call in cloud.calls()
        if call.get("app") == "custom-resource" and call["service"] in aws and not call["operation"].startswith(reads)
    ]


def outputs(found):
    show(f"{key:<24} {value}" for key, value in sorted(found.items()))
    return found


def run(cloud, report):
    """The whole life; False if it was left running at its height."""
    report.step("deploy the function (infra/template.yaml)", cloud.deploy)
    report.step("plan the environment", lambda: plan(cloud, ENVIRONMENT))
    create = lambda: outputs(cloud.stack("web", web_template(), parameters(ENVIRONMENT), progress=progress_line("creating")))
    made = report.step("create the stack web", create)
    check(made["VpcId"].startswith("vpc-"), f"the outputs have no VPC: {made}")
    found = report.step("what exists now", lambda: resources(cloud))
    kinds = {kind for kind, _, _ in found}
    check(len(kinds) == 11, f"kinds that exist: {sorted(kinds)}")

    changed = {**ENVIRONMENT, **CHANGES}
    diff = report.step("plan a change of MaxSize and InstanceType", lambda: plan(cloud, changed))
    check(len(diff["Steps"]) == 2, f"two steps, not {len(diff['Steps'])}")
    before = len(writes(cloud))
    update = lambda: outputs(cloud.stack("web", web_template(), parameters(changed), update=True, progress=progress_line("updating")))
    after = report.step("update the stack", update)
    made_by_update = writes(cloud)[before:]
    show(f"the function called {call}" for call in made_by_update)
    check(len(made_by_update) == 2, f"an update of two properties is two calls, not {made_by_update}")
    check(after["VpcId"] == made["VpcId"], "the update kept the network")
    check(after["LaunchTemplateVersion"] == "2", f"new instances get version 2: {after}")
    settled = report.step("plan it once more", lambda: plan(cloud, changed))
    check(not settled["Steps"], "what is settled needs nothing")

    if os.environ.get("KEEP"):
        keep(cloud, report)
        return False
    report.step("delete the stack", lambda: cloud.delete_stack("web", progress_line("deleting")))
    left = report.step("what is left", lambda: resources(cloud))
    check(not left, f"left behind: {left}")
    show(["nothing"])
    return True


def keep(cloud, report):
    report.write(ok=True, kept=True)
    print("\nIt keeps running until Ctrl-C. In another terminal:\n")
    show(f"export {name}={value}" for name, value in sorted(cloud.variables.items()))
    show([".tools/venv/bin/aws ec2 describe-vpcs --filters Name=tag:ManagedBy,Values=envkeeper"])
    try:
        until("Ctrl-C", lambda: False, float("inf"))
    except KeyboardInterrupt:
        print()


def stop(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    report = Report()
    try:
        with LocalCloud() as cloud:
            whole = run(cloud, report)
            calls = cloud.calls()
    except Failed as failed:
        report.write(ok=False, failed=str(failed))
        print(f"\nThe demo failed: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not whole:
        return 0
    functions_calls = [call for call in calls if call.get("app") == "custom-resource"]
    done = report.write(ok=True, calls=len(functions_calls))
    print(f"\nAll of it in {done['seconds']:.0f} s; {len(functions_calls)} calls by the function. Report: target/reports/demo.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
