"""`make demo`: the life of one environment on the local cloud, as a user sees it."""

import json
import os
import signal
import sys
import time

import ledger
import nine_checks
from local_cloud import FUNCTIONS, ROOT, Failed, LocalCloud, progress_line, until, web_template

ENVIRONMENT = {
    "EnvironmentSuffix": "dev",
    "MinSize": "1",
    "MaxSize": "3",
    "InstanceType": "t3.micro",
    "DeletionProtection": "true",
    "BucketOnDelete": "Empty",
    "Tags": {"team": "web"},
}
CHANGES = {"MaxSize": "5", "InstanceType": "t3.small"}
# By the functions' variables: one that no property overrides, and one that a property does.
VARIABLES = {"COOLDOWN_SECONDS": "240", "MAX_SIZE": "9"}


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
    check("Text" in answer, f"no plan: {answer}")
    show(answer["Text"].rstrip().splitlines())
    return answer


def parameters(properties):
    names = ("MinSize", "MaxSize", "InstanceType", "DeletionProtection", "BucketOnDelete")
    return {"Suffix": properties["EnvironmentSuffix"], **{name: properties[name] for name in names}}


def resources(cloud):
    found = cloud.inventory()
    show(f"{kind:<20} {name:<42} {identity}" for kind, name, identity in found)
    return found


def writes(cloud):
    """The writing calls that the functions made so far, those on records and the line aside."""
    reads = ("Describe", "Get", "List", "Head")
    aws = ("ec2", "iam", "autoscaling", "logs", "monitoring", "s3")
    made = [
        call
        for call in cloud.calls()
        if call.get("app") in FUNCTIONS and call["service"] in aws and not call["operation"].startswith(reads)
    ]
    others = [call for call in made if call["app"] not in ("reconciler", "lifecycle-hook", "scaling-log")]
    check(not others, f"only the reconciler writes to environments: {others}")
    return [f"{call['service']}:{call['operation']}" for call in made if call["app"] == "reconciler"]


def outputs(found):
    show(f"{key:<24} {value}" for key, value in sorted(found.items()))
    return found


def run(cloud, report):
    """The whole life, and the verdicts of the nine checks; None if it was left running at its height."""
    report.step("deploy the functions (infra/template.yaml)", cloud.deploy)
    for name, value in VARIABLES.items():
        cloud.set_variable(name, value)
    first = report.step("plan the environment", lambda: plan(cloud, ENVIRONMENT))
    tried = {8: cloud.ask({"Request": "plan", "ResourceProperties": ENVIRONMENT}) == first}
    made = report.step("create the stack web", lambda: outputs(stack(cloud, ENVIRONMENT, "creating")))
    check(made["VpcId"].startswith("vpc-"), f"the outputs have no VPC: {made}")
    found = report.step("what exists now", lambda: resources(cloud))
    kinds = {kind for kind, _, _ in found}
    check(len(kinds) == 18, f"kinds that exist: {sorted(kinds)}")
    tried[9] = report.step("change a variable of the functions", lambda: variables_are_defaults(cloud))
    report.step("scale out, as the CPU is busy and the next instance is sick", lambda: scale_out(cloud))
    report.step("scale in, with a drain", lambda: scale_in(cloud))
    report.step("the ledger: what happened, and why", lambda: story(cloud))
    change(cloud, report, made)
    if os.environ.get("KEEP"):
        keep(cloud, report)
        return None
    tried[6] = report.step("delete the stack, which is protected", lambda: deletion_is_refused(cloud))
    verdicts = report.step("nine checks", lambda: nine_verdicts(cloud, tried))
    report.step("unlock it, and delete the stack again", lambda: unlock_and_delete(cloud))
    left = report.step("what is left", lambda: resources(cloud))
    check(not left, f"left behind: {left}")
    show(["nothing"])
    report.step("delete another in the middle of its create", lambda: delete_in_the_middle(cloud))
    return verdicts


def stack(cloud, properties, doing, update=False):
    return cloud.stack("web", web_template(), parameters(properties), update, progress_line(doing))


def variables_are_defaults(cloud):
    """The property that was given overrides its variable, the other came from its own, and a change changes nothing."""
    scaling, group = cloud.client("autoscaling"), GROUP
    policies = scaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    cooldowns = {policy["Cooldown"] for policy in policies}
    largest = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]["MaxSize"]
    show([f"cooldown {cooldowns} from the variable, MaxSize {largest} from the property"])
    cloud.set_variable("COOLDOWN_SECONDS", "60")
    settled = plan(cloud, ENVIRONMENT)
    return cooldowns == {240} and largest == 3 and not settled["Steps"]


GROUP = "scalable-ec2-asg-uswest2-dev"
INSTANCE_LOGS = "/aws/ec2/scalable-ec2-dev"


def states(cloud):
    """The group's instances by their states."""
    groups = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    return {it["InstanceId"]: it["LifecycleState"] for it in groups[0]["Instances"]}


def evidence(cloud):
    """What was kept of instances that were given up: each one's lines."""
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=INSTANCE_LOGS)["logStreams"]
    names = [it["logStreamName"] for it in streams if it["logStreamName"].endswith("/evidence")]
    events = {name: logs.get_log_events(logGroupName=INSTANCE_LOGS, logStreamName=name)["events"] for name in names}
    return {name.split("/")[0]: [event["message"] for event in told] for name, told in events.items()}


def scale_out(cloud):
    """The sick one never goes into service, what it could still tell is kept, and another takes its place."""
    before = set(states(cloud))
    cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
    cpu(cloud, 95)
    seen = {}

    def settled():
        now = states(cloud)
        for instance, state in now.items():
            seen.setdefault(instance, set()).add(state)
        return len(now) == 2 and set(now.values()) == {"InService"}

    until("two instances in service", settled, 120, progress_line("scaling out"))
    # With these the average is 50: neither busy nor idle.
    cpu(cloud, 5)
    kept = evidence(cloud)
    check(len(kept) == 1, f"evidence of one instance: {sorted(kept)}")
    (sick, lines), = kept.items()
    check("InService" not in seen.get(sick, set()), f"the sick one was never in service: {seen}")
    verdict = json.loads(lines[0])
    check(verdict["Reason"] == ["its user data failed at line 12"], f"why: {verdict}")
    show([f"{sick} was given up: {'; '.join(verdict['Why'])}"])
    show([f"in {INSTANCE_LOGS}, {sick}/evidence:"])
    show(f"  {line}" for text in lines[1:] for line in text.splitlines())
    show([f"in service: {', '.join(sorted(set(states(cloud)) - before))}, and {', '.join(sorted(before))} as before"])


def cpu(cloud, percent):
    """The group's average CPU use in the last three minutes, which is how long the alarms look."""
    what = f"namespace=AWS/EC2&metric=CPUUtilization&value={percent}&periods=3"
    cloud.control(f"alarms/metric?{what}&dimensions=AutoScalingGroupName:{GROUP}", b"")


def scale_in(cloud):
    """The drain command has succeeded before the instance ends."""
    def commands():
        return [it for it in cloud.calls() if it["service"] == "ssm" and it["operation"] == "SendCommand"]

    before, instances = len(commands()), set(states(cloud))
    cloud.control(f"auto-scaling/scale?group={GROUP}&to=1", b"")
    until("one instance is left", lambda: len(states(cloud)) == 1, 120, progress_line("scaling in"))
    sent = commands()[before:]
    check(len(sent) == 1 and sent[0]["app"] == "lifecycle-hook", f"one drain command: {sent}")
    (ended,) = instances - set(states(cloud))
    # Of a command that the end of its instance cuts off, nobody hears any more.
    told = cloud.client("ssm").list_command_invocations(InstanceId=ended)["CommandInvocations"]
    drains = [it["Status"] for it in told if it["Comment"] == "envkeeper drain"]
    check(drains == ["Success"], f"it was drained: {told}")


def story(cloud):
    """From the alarm to the last end, as the environment's own log group tells it."""
    def is_told():
        changes = [line["cause"]["desiredAfter"] for line in ledger.lines(cloud, kind="capacity")]
        return changes == [1, 2, 1]

    until("all of it is in the ledger", is_told)
    show(ledger.story(cloud))
    changes = ledger.ask(cloud, "why-capacity-changed")
    grown = [it for it in changes if it.get("cause.alarm") == "scalable-ec2-cpu-high-uswest2-dev"]
    check(len(grown) == 1, f"the ledger says which alarm made it grow: {changes}")


def change(cloud, report, made):
    changed = {**ENVIRONMENT, **CHANGES}
    diff = report.step("plan a change of MaxSize and InstanceType", lambda: plan(cloud, changed))
    check(len(diff["Steps"]) == 2, f"two steps, not {len(diff['Steps'])}")
    before = len(writes(cloud))
    after = report.step("update the stack", lambda: outputs(stack(cloud, changed, "updating", update=True)))
    made_by_update = writes(cloud)[before:]
    show(f"the reconciler called {call}" for call in made_by_update)
    check(len(made_by_update) == 2, f"an update of two properties is two calls, not {made_by_update}")
    check(after["VpcId"] == made["VpcId"], "the update kept the network")
    check(after["LaunchTemplateVersion"] == "2", f"new instances get version 2: {after}")
    settled = report.step("plan it once more", lambda: plan(cloud, changed))
    check(not settled["Steps"], "what is settled needs nothing")


def deletion_is_refused(cloud):
    """The stack's deletion fails with the way to lift the protection, and nothing is gone."""
    before = cloud.inventory()
    try:
        cloud.delete_stack("web", progress_line("deleting"))
    except Failed as refused:
        show([str(refused)])
        return "DeletionProtection is true" in str(refused) and "unlock" in str(refused) and cloud.inventory() == before
    return False


def nine_verdicts(cloud, tried):
    names = nine_checks.Names("scalable-ec2", "dev", cloud.variables["AWS_REGION"], cloud.variables["ACCOUNT_ID"])
    verdicts = nine_checks.check(cloud.client, names, nine_checks.Expected(30, True), tried)
    show(nine_checks.table(verdicts))
    wrong = [number for number, verdict in verdicts.items() if verdict["ok"] is not True]
    check(not wrong, f"checks that say no: {wrong}")
    return verdicts


def unlock_and_delete(cloud):
    unlocked = cloud.ask({"Request": "unlock", "Environment": "scalable-ec2-us-west-2-dev"})
    check("Unlocked" in unlocked, f"not unlocked: {unlocked}")
    cloud.delete_stack("web", progress_line("deleting"))


def sample(name):
    return json.loads((ROOT / "events" / "custom-resource" / name).read_text())


def delete_in_the_middle(cloud):
    """As CloudFormation asks when somebody deletes a stack that is still being created."""
    create = cloud.send(sample("create.json"))
    until("the create makes something", cloud.inventory)
    delete = cloud.send(sample("delete.json"))
    answers = {"Create": cloud.wait_for(create), "Delete": cloud.wait_for(delete)}
    show(f"{kind}: {answer['Status']} {answer.get('Reason', '')}" for kind, answer in answers.items())
    check(answers["Create"]["Status"] == "FAILED", "the create was stopped")
    check(answers["Delete"]["Status"] == "SUCCESS", "the delete works")
    left = cloud.inventory()
    check(not left, f"left behind: {left}")


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
            verdicts = run(cloud, report)
            calls = cloud.calls()
    except Failed as failed:
        report.write(ok=False, failed=str(failed))
        print(f"\nThe demo failed: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if verdicts is None:
        return 0
    functions_calls = [call for call in calls if call.get("app") in FUNCTIONS]
    checks = {str(number): verdict["ok"] for number, verdict in verdicts.items()}
    done = report.write(ok=True, calls=len(functions_calls), checks=checks)
    print(f"\nAll of it in {done['seconds']:.0f} s; {len(functions_calls)} calls by the functions. Report: target/reports/demo.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
