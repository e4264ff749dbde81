"""`make smoke`: settles on a real AWS account the questions that emulators cannot, and deletes its own resources.

    python smoke.py                  # AWS, selected by the variables that AWS's tools use; asks before it creates resources
    python smoke.py --local          # the project's local cloud: tries the script, and proves nothing about AWS

The exit status is 0 if no check has the verdict no and nothing is left, 1 otherwise, and 2 if the run did not start.
"""

import argparse
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

import prices  # noqa: E402
from account import STACK, LocalAccount, NotStarted, of_aws  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402
from clean_up import clean_up, commands_for, left_behind  # noqa: E402
from consent import announce, ask, reject_existing  # noqa: E402
from demo import interrupt  # noqa: E402
from local_cloud import Failed, LocalCloud  # noqa: E402
from recorded import marks, profile_lag, silent, waits_in_log  # noqa: E402
from report import Report  # noqa: E402
from rollbacks import made_up_id, protection  # noqa: E402
from running import as_documented, direct_alarm, hooks  # noqa: E402
from stack import Stack  # noqa: E402
from templates import settled  # noqa: E402
from trail import now  # noqa: E402

CHECKS = {1: made_up_id, 2: protection, 3: marks, 4: profile_lag, 5: hooks, 6: silent, 7: direct_alarm, 8: as_documented}


def smoke(account, suffix="smoke", instance_type="t3.micro", consent=ask):
    """The whole run, from the announcement to the list of remaining resources. Returns the exit status."""
    cancelled, rollback, main = stacks = [Stack(account, f"{suffix}{it}") for it in ("-cancelled", "-rollback", "")]
    scenarios = ("cancelled during its create", "rolls back after it has settled", "runs: scales out and in")
    print("\n".join(announce(account, dict(zip(stacks, scenarios)), instance_type)), flush=True)
    reject_existing(stacks)
    consent(account)
    report = Report(account, CHECKS)
    try:
        run(report, cancelled, rollback, main, instance_type)
    except (Failed, ClientError, BotoCoreError, KeyboardInterrupt) as error:
        report.broken = report.broken or str(error) or "the operator interrupted the run"
    finally:
        end(report, stacks, sum(prices.cost(instance_type).values()))
    return 0 if report.is_good() else 1


def run(report, cancelled, rollback, main, instance_type):
    """The checks, in the order in which their stacks are created and deleted."""
    since = now()
    report.settle(1, cancelled, instance_type)
    report.say(f"creates {main.name}")
    main.require(main.create(settled(main, instance_type)), "CREATE_COMPLETE")
    report.settle(8, main)
    report.settle(5, main)
    report.settle(7, main)
    report.say(f"updates {main.name} with a property that changes nothing")
    # In whole seconds, as in CloudTrail.
    began = now().replace(microsecond=0)
    main.require(main.update(settled(main, instance_type, WaitForInstances="true")), "UPDATE_COMPLETE")
    window = began, now()
    lines = waits_in_log(main, since)
    report.settle(2, rollback, main, instance_type)
    clean_up((cancelled, rollback, main), report.say)
    report.say("waits until the calls are recorded")
    calls, missing = report.account.trail.writes(since, window[1])
    report.settle(3, calls, missing)
    main_began = min(it["Timestamp"] for it in main.events())
    of_main = [it for it in calls if main_began <= it.at <= began]
    report.settle(4, of_main, missing, main.names.of("asg"), lines)
    report.settle(6, calls, missing, window)


def end(report, stacks, cost):
    """Cleans up, and writes the whole report. After an interrupt of the cleaning, the report lists the remaining resources."""
    report.complete()
    commands = []
    try:
        report.say("cleans up (an interrupt now would leave resources behind)")
        clean_up(stacks, report.say)
    except KeyboardInterrupt:
        report.broken = "the operator interrupted the cleaning"
    try:
        report.left, commands = left_behind(stacks)
    except (ClientError, BotoCoreError, KeyboardInterrupt) as error:
        report.left = [f"unknown, since the account could not be read: {error!r}"]
        commands = [command for stack in stacks for command in commands_for(stack)]
    path = report.write(cost)
    print("\n".join(["", *report.summary(commands), f"Report: {path}"]), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--local", action="store_true", help="run on the local cloud, without a question")
    parser.add_argument("--region", help="the default is the region of AWS's tools")
    parser.add_argument("--stack", default=STACK, help="the stack of the tested functions")
    parser.add_argument("--suffix", default="smoke", help="the suffix of the environments")
    parser.add_argument("--instance-type", default="t3.micro", choices=prices.INSTANCE_HOUR)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if not given.local:
            return smoke(of_aws(given.region, given.stack), given.suffix, given.instance_type)
        with LocalCloud() as cloud:
            cloud.deploy()
            return smoke(LocalAccount(cloud), given.suffix, given.instance_type, consent=lambda account: None)
    except (NotStarted, Failed) as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
