"""`make demo`: the life of one environment on the local cloud, as a user of the command line sees it."""

import json
import os
import shlex
import signal
import sys
import time

import ledger
import nine_checks
from local_cloud import FUNCTIONS, PROGRAM, ROOT, Failed, LocalCloud, progress_line, until, web_template

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
# Environment variables of the functions: one that no property overrides, and one that a property overrides. The waits of a
# rollout are Auto Scaling's own, of a minute each by default.
VARIABLES = {"COOLDOWN_SECONDS": "240", "MAX_SIZE": "9", "BAKE_SECONDS": "2", "INSTANCE_WARMUP_SECONDS": "2"}

TEMPLATE = "infra/examples/web.yaml"
# The values of parameters that the template has itself.
DEFAULTS = {"Suffix": "dev", "MinSize": "1", "MaxSize": "3", "InstanceType": "t3.micro"}
# Exit codes of the command line.
SETTLED, DIFFERS = 0, 2
TIMELINE = "target/reports/timeline.html"


class Report:
    """The steps of the demo: printed, and written to target/reports/demo.json."""

    def __init__(self):
        self.steps = []
        self.began = time.monotonic()
        self.began_at = utc()
        self.folder = ROOT / "target" / "reports"
        self.folder.mkdir(parents=True, exist_ok=True)

    def step(self, title, action):
        began = time.monotonic()
        print(f"\n== {title}", flush=True)
        result = action()
        seconds = time.monotonic() - began
        end = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{end}   done in {seconds:.1f} s", flush=True)
        self.steps.append({"name": title, "ok": True, "seconds": round(seconds, 3)})
        return result

    def write(self, **more):
        report = {"steps": self.steps, "seconds": round(time.monotonic() - self.began, 3), **more}
        (self.folder / "demo.json").write_text(json.dumps(report, indent=2) + "\n")
        return report


def utc():
    """The time, as `--since` reads it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def show(lines):
    print("\n".join(f"   {line}" for line in lines), flush=True)


def check(passed, message):
    if not passed:
        raise Failed(message)


def envkeeper(cloud, *words, expected=SETTLED):
    """Runs a command of the command line, shows it with its output, and returns the output."""
    show([f"$ envkeeper {shlex.join(words)}"])
    exit_code, output = cloud.envkeeper(*words)
    show(output.rstrip().splitlines())
    check(exit_code == expected, f"envkeeper {words[0]} ended with {exit_code} in place of {expected}")
    return output


def plan(cloud, properties, expected):
    """Shows the plan of the template with these properties, and returns it."""
    return envkeeper(cloud, *plan_words(properties), expected=expected)


def plan_words(properties):
    words = ["plan", TEMPLATE]
    for name, value in parameters(properties).items():
        words += ["--parameter", f"{name}={value}"] if value != DEFAULTS.get(name) else []
    return words


def parameters(properties):
    names = ("MinSize", "MaxSize", "InstanceType", "DeletionProtection", "BucketOnDelete")
    return {"Suffix": properties["EnvironmentSuffix"], **{name: properties[name] for name in names}}


def resources(cloud):
    """Shows the inventory of the command line, and returns the resources that are found without Envkeeper."""
    envkeeper(cloud, "inventory", "dev")
    return cloud.inventory()


def writes(cloud):
    """The writing calls that the functions made so far, without those to the records and the request queue."""
    reads = ("Describe", "Get", "List", "Head")
    aws = ("ec2", "iam", "autoscaling", "logs", "monitoring", "s3")
    written = [
        call
        for call in cloud.calls()
        if call.get("app") in FUNCTIONS and call["service"] in aws and not call["operation"].startswith(reads)
    ]
    # The consent of `allow-adoption` is a tag on a bucket that no environment owns.
    consent = ("operator", "s3", "PutBucketTagging")
    written = [call for call in written if (call["app"], call["service"], call["operation"]) != consent]
    others = [call for call in written if call["app"] not in ("reconciler", "lifecycle-hook", "scaling-log")]
    check(not others, f"other functions than the reconciler wrote to environments: {others}")
    return [f"{call['service']}:{call['operation']}" for call in written if call["app"] == "reconciler"]


def outputs(found):
    show(f"{key:<24} {value}" for key, value in sorted(found.items()))
    return found


def run(cloud, report, keeps):
    """Runs the whole life of an environment and returns the verdicts of the nine checks; None if the user keeps the environment,
    which ends the run before them."""
    report.step("deploy the functions (infra/template.yaml)", cloud.deploy)
    for name, value in VARIABLES.items():
        cloud.set_variable(name, value)
    first = report.step("plan the environment", lambda: plan(cloud, ENVIRONMENT, DIFFERS))
    trials = {8: cloud.envkeeper(*plan_words(ENVIRONMENT))[1] == first}
    created = report.step("create the stack web", lambda: create(cloud))
    check(created["VpcId"].startswith("vpc-"), f"the outputs have no VPC: {created}")
    found = report.step("list the resources", lambda: resources(cloud))
    kinds = {kind for kind, _, _ in found}
    check(len(kinds) == 18, f"expected 18 kinds of resources, found: {sorted(kinds)}")
    trials[9] = report.step("change a variable of the functions", lambda: variables_are_defaults(cloud))
    report.step("scale out under CPU load, with one unhealthy instance", lambda: scale_out(cloud))
    report.step("scale in, with a drain", lambda: scale_in(cloud))
    report.step("the ledger: scaling events and their causes", lambda: show_ledger(cloud))
    rollouts_began = utc()
    change(cloud, report, created)
    report.step("update to a version whose user data fails", lambda: bad_change(cloud))
    report.step("the ledger: both rollouts", lambda: show_rollouts(cloud, rollouts_began))
    timeline = ("timeline", "dev", "--since", report.began_at, "--output", TIMELINE)
    report.step("the timeline of the run", lambda: envkeeper(cloud, *timeline))
    if keeps:
        keep(cloud, report)
        return None
    trials[6] = report.step("delete the stack, which is protected", lambda: deletion_is_rejected(cloud))
    verdicts = report.step("nine checks", lambda: nine_verdicts(cloud, trials))
    report.step("unlock it, and delete the stack again", lambda: unlock_and_delete(cloud))
    left = report.step("list the resources that remain", lambda: resources(cloud))
    check(not left, f"left behind: {left}")
    report.step("delete another environment during its create", lambda: delete_during_create(cloud))
    return verdicts


def create(cloud):
    created = outputs(stack(cloud, ENVIRONMENT, "creating"))
    envkeeper(cloud, "status", "dev")
    return created


def stack(cloud, properties, activity, update=False):
    return cloud.stack("web", web_template(), parameters(properties), update, progress_line(activity))


def variables_are_defaults(cloud):
    """A property overrides its variable, an omitted property has its value, and a later change of the variable has no effect."""
    scaling, group = cloud.client("autoscaling"), GROUP
    policies = scaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    cooldowns = {policy["Cooldown"] for policy in policies if policy["PolicyType"] == "SimpleScaling"}
    largest = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]["MaxSize"]
    show([f"cooldown {cooldowns} from the variable, MaxSize {largest} from the property"])
    cloud.set_variable("COOLDOWN_SECONDS", "60")
    plan(cloud, ENVIRONMENT, SETTLED)
    return cooldowns == {240} and largest == 3


GROUP = "scalable-ec2-asg-uswest2-dev"
INSTANCE_LOGS = "/aws/ec2/scalable-ec2-dev"


def states(cloud):
    """The state of each instance of the group."""
    groups = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    return {it["InstanceId"]: it["LifecycleState"] for it in groups[0]["Instances"]}


def evidence(cloud):
    """The evidence of abandoned instances: the log events of each instance."""
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=INSTANCE_LOGS)["logStreams"]
    names = [it["logStreamName"] for it in streams if it["logStreamName"].endswith("/evidence")]
    events = {name: logs.get_log_events(logGroupName=INSTANCE_LOGS, logStreamName=name)["events"] for name in names}
    return {name.split("/")[0]: [event["message"] for event in found] for name, found in events.items()}


def scale_out(cloud):
    """The unhealthy instance never enters service, its evidence is retained, and another instance replaces it."""
    cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
    cpu(cloud, 75)
    observed = {}

    def settled():
        now = states(cloud)
        for instance, state in now.items():
            observed.setdefault(instance, set()).add(state)
        return len(now) == 2 and set(now.values()) == {"InService"}

    until("two instances in service", settled, progress=progress_line("scaling out"))
    # With these values the average is 40, between both thresholds.
    cpu(cloud, 5)
    found = evidence(cloud)
    check(len(found) == 1, f"expected the evidence of one instance, found: {sorted(found)}")
    ((unhealthy, lines),) = found.items()
    check("InService" not in observed.get(unhealthy, set()), f"the unhealthy instance entered service: {observed}")
    verdict = json.loads(lines[0])
    check(verdict["Reason"] == ["its user data failed at line 12"], f"the verdict has another reason: {verdict}")
    until("the ledger has the end of the launch", lambda: ledger.entries(cloud, kind="launch", instance=unhealthy))
    envkeeper(cloud, "why", unhealthy)
    envkeeper(cloud, "logs", "dev", unhealthy)
    envkeeper(cloud, "instances", "dev")


def cpu(cloud, percent):
    """Sets the group's average CPU utilization in the last three minutes, the evaluation range of the alarms."""
    metric = f"namespace=AWS/EC2&metric=CPUUtilization&value={percent}&periods=3"
    cloud.control(f"alarms/metric?{metric}&dimensions=AutoScalingGroupName:{GROUP}", b"")


def scale_in(cloud):
    """The drain command succeeds before the instance is terminated."""
    def commands():
        return [it for it in cloud.calls() if it["service"] == "ssm" and it["operation"] == "SendCommand"]

    before, instances = len(commands()), set(states(cloud))
    cloud.control(f"auto-scaling/scale?group={GROUP}&to=1", b"")
    until("one instance remains", lambda: len(states(cloud)) == 1, progress=progress_line("scaling in"))
    sent = commands()[before:]
    check(len(sent) == 1 and sent[0]["app"] == "lifecycle-hook", f"expected one drain command of lifecycle-hook, found: {sent}")
    (terminated,) = instances - set(states(cloud))
    # A command that the termination of its instance interrupts never reports a final status.
    invocations = cloud.client("ssm").list_command_invocations(InstanceId=terminated)["CommandInvocations"]
    drains = [it["Status"] for it in invocations if it["Comment"] == "envkeeper drain"]
    check(drains == ["Success"], f"{terminated} was not drained: {invocations}")
    until("the ledger has its end", lambda: ledger.entries(cloud, kind="terminate", instance=terminated))
    envkeeper(cloud, "why", terminated)


def show_ledger(cloud):
    """The entries from the alarm to the last termination, from the environment's own log group."""
    def is_complete():
        changes = [entry["cause"]["desiredAfter"] for entry in ledger.entries(cloud, kind="capacity")]
        return changes == [1, 2, 1]

    until("the ledger is complete", is_complete)
    envkeeper(cloud, "events", "dev")
    changes = ledger.run_query(cloud, "capacity-changes")
    by_alarm = [it for it in changes if it.get("cause.alarm") == "scalable-ec2-cpu-high-uswest2-dev"]
    check(len(by_alarm) == 1, f"expected one capacity change by the alarm, found: {changes}")


def change(cloud, report, created):
    changed = {**ENVIRONMENT, **CHANGES}
    diff = report.step("plan a change of MaxSize and InstanceType", lambda: plan(cloud, changed, DIFFERS))
    check(diff.startswith("0 to create, 2 to change, 0 to delete, "), f"expected two changes: {diff}")
    before = len(writes(cloud))
    after = report.step("update the stack", lambda: update(cloud, changed))
    update_calls = writes(cloud)[before:]
    check(len(update_calls) == 3, f"expected two changes and the start of a rollout, found {update_calls}")
    check(after["RolloutState"] == "complete", f"the rollout is not complete: {after}")
    check(after["VpcId"] == created["VpcId"], "the update replaced the VPC")
    check(after["LaunchTemplateVersion"] == "2", f"the launch template version is not 2: {after}")
    report.step("plan the same change again", lambda: plan(cloud, changed, SETTLED))


def update(cloud, properties):
    updated = outputs(stack(cloud, properties, "updating", update=True))
    envkeeper(cloud, "rollout", "dev")
    return updated


def bad_change(cloud):
    """The stack returns to its earlier version, because the first new instance is unhealthy."""
    before, began = set(states(cloud)), time.monotonic()
    cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
    try:
        stack(cloud, {**ENVIRONMENT, **CHANGES, "InstanceType": "t3.medium"}, "updating", update=True)
    except Failed as failed:
        reason = str(failed)
    else:
        raise Failed("the bad version was accepted")
    show([reason, f"rolled back after {time.monotonic() - began:.0f} s"])
    check("UPDATE_ROLLBACK_COMPLETE" in reason and "is unhealthy" in reason, "the reason has no evidence")
    until("the bad version is gone", lambda: set(states(cloud)) == before, progress=progress_line("going back"))
    envkeeper(cloud, "status", "dev")


def show_rollouts(cloud, since):
    expected = ["begun", "complete", "begun", "failed", "complete"]

    def outcomes():
        return [entry["outcome"] for entry in ledger.entries(cloud, kind="rollout")]

    until(f"the ledger has {expected}", lambda: outcomes() == expected)
    envkeeper(cloud, "events", "dev", "--since", since)


def deletion_is_rejected(cloud):
    """The stack's deletion fails with the command that removes the protection, and no resource is deleted."""
    before = cloud.inventory()
    try:
        cloud.delete_stack("web", progress_line("deleting"))
    except Failed as rejected:
        reason = str(rejected)
        show([reason])
        return "DeletionProtection is true" in reason and "unlock" in reason and cloud.inventory() == before
    return False


def nine_verdicts(cloud, trials):
    names = nine_checks.Names("scalable-ec2", "dev", cloud.variables["AWS_REGION"], cloud.variables["ACCOUNT_ID"])
    verdicts = nine_checks.check(cloud.client, names, nine_checks.Expected(30, True), trials)
    show(nine_checks.table(verdicts))
    wrong = [number for number, verdict in verdicts.items() if verdict["ok"] is not True]
    check(not wrong, f"checks without a yes: {wrong}")
    return verdicts


def unlock_and_delete(cloud):
    envkeeper(cloud, "unlock", "dev", "--yes")
    cloud.delete_stack("web", progress_line("deleting"))


def sample(name):
    return json.loads((ROOT / "events" / "custom-resource" / name).read_text())


def delete_during_create(cloud):
    """Sends the events that CloudFormation sends when a stack is deleted during its create."""
    create = cloud.send(sample("create.json"))
    until("the create has created a resource", cloud.inventory)
    delete = cloud.send(sample("delete.json"))
    responses = {"Create": cloud.wait_for(create), "Delete": cloud.wait_for(delete)}
    show(f"{kind}: {response['Status']} {response.get('Reason', '')}" for kind, response in responses.items())
    check(responses["Create"]["Status"] == "FAILED", "the create was not superseded")
    check(responses["Delete"]["Status"] == "SUCCESS", "the delete failed")
    left = cloud.inventory()
    check(not left, f"left behind: {left}")


def keep(cloud, report):
    report.write(ok=True, kept=True)
    print("\nThe local cloud runs until Ctrl-C. In another terminal:\n")
    show(f"export {name}={value}" for name, value in sorted(cloud.variables.items()))
    show([f"{os.path.relpath(PROGRAM)} watch dev", ".tools/venv/bin/aws ec2 describe-vpcs --filters Name=tag:ManagedBy,Values=envkeeper"])
    try:
        until("Ctrl-C", lambda: False, float("inf"))
    except KeyboardInterrupt:
        print()


def keep_option(text):
    """Whether the variable KEEP keeps the environment: 1 does; 0, and an empty or missing value, do not."""
    check(text in ("", "0", "1"), f"KEEP is {text!r}: 1 keeps the environment, 0 does not")
    return text == "1"


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupt)
    report = Report()
    try:
        keeps = keep_option(os.environ.get("KEEP", ""))
        with LocalCloud() as cloud:
            verdicts = run(cloud, report, keeps)
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
    took = f"The demo took {done['seconds']:.0f} s; {len(functions_calls)} calls by the functions."
    print(f"\n{took}\nTimeline: {TIMELINE}. Report: target/reports/demo.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
