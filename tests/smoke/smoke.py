"""`make smoke`: settles on a real AWS account what emulators cannot, and removes what it made.

    python smoke.py                  # AWS, by the variables that AWS's tools use; it asks before it creates anything
    python smoke.py --local          # the project's local cloud: tries the script, and proves nothing of AWS

It exits with 0 if no check says no and nothing is left, with 1 if not, and with 2 if it did not begin.
"""

import argparse
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

import prices  # noqa: E402
from account import STACK, LocalAccount, Refused, of_aws  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402
from clean_up import clean_up, commands_for, left_behind  # noqa: E402
from consent import announce, ask, refuse_what_exists  # noqa: E402
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
    """The whole run, from the announcement to what is left. The exit status."""
    cancelled, back, main = stacks = [Stack(account, f"{suffix}{it}") for it in ("-cancelled", "-rollback", "")]
    whats = ("cancelled in the middle of its create", "rolls back when it has settled", "lives: scales out and in")
    print("\n".join(announce(account, dict(zip(stacks, whats)), instance_type)), flush=True)
    refuse_what_exists(stacks)
    consent(account)
    report = Report(account, CHECKS)
    try:
        run(report, cancelled, back, main, instance_type)
    except (Failed, ClientError, BotoCoreError, KeyboardInterrupt) as error:
        report.broken = report.broken or str(error) or "somebody stopped it"
    finally:
        end(report, stacks, sum(prices.cost(instance_type).values()))
    return 0 if report.is_good() else 1


def run(report, cancelled, back, main, instance_type):
    """The checks, in the order in which their stacks come and go."""
    since = now()
    report.settle(1, cancelled, instance_type)
    report.say(f"creates {main.name}")
    main.must(main.create(settled(main, instance_type)), "CREATE_COMPLETE")
    report.settle(8, main)
    report.settle(5, main)
    report.settle(7, main)
    report.say(f"updates {main.name} with what changes nothing")
    # In whole seconds, as CloudTrail tells them.
    began = now().replace(microsecond=0)
    main.must(main.update(settled(main, instance_type, WaitForInstances="true")), "UPDATE_COMPLETE")
    window = began, now()
    lines = waits_in_log(main, since)
    report.settle(2, back, main, instance_type)
    clean_up((cancelled, back, main), report.say)
    report.say("waits for the record of the calls")
    calls, missing = report.account.trail.writes(since, window[1])
    report.settle(3, calls, missing)
    main_began = min(it["Timestamp"] for it in main.events())
    of_main = [it for it in calls if main_began <= it.at <= began]
    report.settle(4, of_main, missing, main.names.of("asg"), lines)
    report.settle(6, calls, missing, window)


def end(report, stacks, cost):
    """Cleans up, and tells all that there is to tell. Whoever stops this too is told what is left."""
    report.complete()
    commands = []
    try:
        report.say("cleans up (if this is stopped too, things stay)")
        clean_up(stacks, report.say)
    except KeyboardInterrupt:
        report.broken = "somebody stopped the cleaning up"
    try:
        report.left, commands = left_behind(stacks)
    except (ClientError, BotoCoreError, KeyboardInterrupt) as error:
        report.left = [f"what is left is not known: {error!r}"]
        commands = [command for stack in stacks for command in commands_for(stack)]
    path = report.write(cost)
    print("\n".join(["", *report.told(commands), f"Report: {path}"]), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--local", action="store_true", help="try it on the local cloud, and ask nothing")
    parser.add_argument("--region", help="else as AWS's tools find it")
    parser.add_argument("--stack", default=STACK, help="the stack of the functions that it tries")
    parser.add_argument("--suffix", default="smoke", help="of the environments that it makes")
    parser.add_argument("--instance-type", default="t3.micro", choices=prices.INSTANCE_HOUR)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if not given.local:
            return smoke(of_aws(given.region, given.stack), given.suffix, given.instance_type)
        with LocalCloud() as cloud:
            cloud.deploy()
            return smoke(LocalAccount(cloud), given.suffix, given.instance_type, consent=lambda account: None)
    except (Refused, Failed) as why:
        print(f"\n{why}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
