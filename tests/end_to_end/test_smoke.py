"""The smoke test for a real account, run on the local cloud, and its verdicts on the behaviour that only AWS can show."""

import contextlib
import io
import json
import os
import sys
import unittest
from datetime import datetime, timedelta, timezone
from unittest.mock import Mock, patch

from local_cloud import ROOT, LocalCloud, until

sys.path.insert(0, str(ROOT / "tests" / "smoke"))

import consent  # noqa: E402
import recorded  # noqa: E402
import rollbacks  # noqa: E402
import smoke  # noqa: E402
import templates  # noqa: E402
from account import Account, LocalAccount, NotStarted  # noqa: E402
from report import NO, NOT_OBSERVED, YES  # noqa: E402
from trail import SERVICES, CloudTrail, call, is_of, regions  # noqa: E402

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
GROUP = "scalable-ec2-asg-uswest2-smoke"
MARK = {"tags": [{"key": "envkeeper:owner", "value": "0f1e"}]}


def record(event, seconds=0, source="ec2", request=None, session="scalable-ec2-reconciler", **more):
    """A CloudTrail record of a function's call."""
    at = (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/envkeeper-Reconciler/{session}"}
    fields = {"eventSource": f"{source}.amazonaws.com", "eventName": event, "eventTime": at, "userIdentity": identity}
    return {**fields, "requestParameters": request, **more}


def calls(*records):
    return [call(it) for it in records]


class Verdicts(unittest.TestCase):
    """Verdicts on events and records in AWS's shapes."""

    def deleted_as(self, *ids, left=()):
        events = [{"ResourceStatus": "CREATE_FAILED", "Timestamp": START, "ResourceStatusReason": "Resource creation cancelled"}]
        events += [{"ResourceStatus": "DELETE_IN_PROGRESS", "Timestamp": START, "PhysicalResourceId": it} for it in ids]
        return rollbacks.judged_delete(events, "scalable-ec2-us-west-2-smoke", left)

    def test_a_made_up_id_differs_from_the_environments_id_and_from_none(self):
        made_up = self.deleted_as("envkeeper-smoke-Web-1A2B3C4D5E6F")
        self.assertEqual((made_up.result, made_up.measured), (YES, {"id": "envkeeper-smoke-Web-1A2B3C4D5E6F"}))
        self.assertEqual(self.deleted_as("scalable-ec2-us-west-2-smoke").result, NOT_OBSERVED)
        self.assertEqual(self.deleted_as().result, NOT_OBSERVED)
        left = self.deleted_as("made-up", left=[("vpc", "scalable-ec2-vpc-uswest2-smoke", "vpc-1")])
        self.assertEqual(left.result, NO)
        self.assertIn("left behind: vpc scalable-ec2-vpc-uswest2-smoke", left.evidence)

    def test_a_create_without_the_mark_is_named_and_an_unrecorded_one_has_no_verdict(self):
        good = calls(
            record("CreateVpc", request=MARK),
            record("CreateRoute", request={"routeTableId": "rtb-1"}),
            record("CreateBucket", source="s3", request={"bucketName": "b"}),
            record("CreateSubnet", request={"vpcId": "vpc-1"}, errorCode="Client.RequestLimitExceeded"),
        )
        self.assertEqual(recorded.marks(good, []).result, YES)
        self.assertEqual(recorded.marks(good, []).measured, {"marked": 1, "bare": 0, "without_tags": 1})
        self.assertEqual(recorded.marks(good, ["iam"]).result, NOT_OBSERVED)
        bad = recorded.marks([*good, *calls(record("CreateRole", source="iam", request={"roleName": "r"}))], ["logs"])
        self.assertEqual(bad.result, NO)
        self.assertIn("WITHOUT the mark: CreateRole", bad.evidence)

    def test_the_lag_of_a_profile_is_the_time_from_its_role_to_the_group(self):
        unknown = {"errorCode": "ValidationException", "errorMessage": "… Invalid IAM Instance Profile name"}
        group = {"source": "autoscaling", "request": {"autoScalingGroupName": GROUP}}
        role = record("AddRoleToInstanceProfile", 1, "iam")
        lags = calls(role, *(record("CreateAutoScalingGroup", it, **group, **unknown) for it in (2, 7)))
        created = calls(record("CreateAutoScalingGroup", 13, **group))
        late = recorded.profile_lag([*lags, *created], [], GROUP, [])
        self.assertEqual((late.result, late.measured), (YES, {"seconds": 12.0, "rejected": 2}))
        self.assertEqual(recorded.profile_lag(lags, [], GROUP, []).result, NO)
        self.assertEqual(recorded.profile_lag([*calls(role), *created], [], GROUP, []).result, NOT_OBSERVED)
        self.assertEqual(recorded.profile_lag([*calls(role), *created], [], "another", []).result, NOT_OBSERVED)

    def test_a_write_within_the_update_is_named(self):
        window = START, START + timedelta(seconds=9)
        outside = calls(record("CreateVpc", -1), record("DeleteVpc", 10))
        self.assertEqual(recorded.silent(outside, [], window).result, YES)
        self.assertEqual(recorded.silent(outside, ["ec2"], window).result, NOT_OBSERVED)
        loud = recorded.silent([*outside, *calls(record("PutBucketPolicy", 9, "s3"))], ["ec2"], window)
        self.assertEqual((loud.result, loud.evidence), (NO, ["03:04:14 s3:PutBucketPolicy"]))

    def test_only_calls_of_the_reconciler_itself_count(self):
        by_aws = record("RunInstances")
        by_aws["userIdentity"]["invokedBy"] = "autoscaling.amazonaws.com"
        records = (record("CreateVpc"), record("CreateVpc", session="another"), by_aws)
        self.assertEqual([is_of(it, "scalable-ec2-reconciler") for it in records], [True, False, False])

    def test_the_trail_waits_until_the_last_delete_of_every_service_is_in_cloudtrail(self):
        arrived = {"us-west-2": [record("CreateVpc"), record("DeleteVpc", 5)], "us-east-1": []}
        later = [record("DeleteOne", 60, service) for service in SERVICES if service != "iam"]

        def every(service, operation, region, **parameters):
            events = [{"EventId": json.dumps(it), "CloudTrailEvent": json.dumps(it)} for it in arrived[region]]
            arrived["us-west-2"].append(later.pop()) if region == "us-west-2" and later else None
            if not later:
                arrived["us-east-1"] = [record("DeleteRole", 60, "iam")]
            return {"Events": events}

        def wait(condition, poll, *limits):
            until(condition, poll, 30)

        account = Mock(region="us-west-2", project="scalable-ec2", every=every, until=wait)
        recorded_calls, missing = CloudTrail(account).writes(START, START + timedelta(seconds=60))
        self.assertEqual(missing, [])
        self.assertEqual({it.service for it in recorded_calls if it.at >= START + timedelta(seconds=60)}, set(SERVICES))

    def test_iams_calls_are_read_in_the_region_of_the_partition(self):
        self.assertEqual(regions("us-west-2"), ["us-west-2", "us-east-1"])
        self.assertEqual(regions("us-east-1"), ["us-east-1"])
        self.assertEqual(regions("us-gov-east-1"), ["us-gov-east-1", "us-gov-west-1"])
        self.assertEqual(regions("cn-northwest-1"), ["cn-northwest-1", "cn-north-1"])
        self.assertEqual(regions("us-iso-east-1"), ["us-iso-east-1"])
        self.assertEqual(regions("somewhere"), ["somewhere"])

    def test_only_the_accounts_number_is_a_consent(self):
        account = Mock(number="111122223333")
        for given, is_consent in (("111122223333", True), ("y", False), ("", False), ("111122223334", False)):
            with self.subTest(given), patch.dict(os.environ, SMOKE_YES=given):
                if is_consent:
                    consent.ask(account)
                else:
                    self.assertRaises(NotStarted, consent.ask, account)


class Smoke(unittest.TestCase):
    """The whole smoke test on one local cloud. Every run leaves no resources behind."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def tearDown(self):
        self.assertEqual(self.cloud.inventory(), [], "resources are left behind")

    def smoke(self, account=None, consent=lambda _: None):
        """The exit status, the printed text, and the report."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = smoke.smoke(account or LocalAccount(self.cloud), consent=consent)
        report = json.loads((ROOT / "target" / "reports" / "smoke-local.json").read_text())
        return status, printed.getvalue(), report

    def test_the_local_cloud_settles_all_checks_except_those_that_need_aws(self):
        status, printed, report = self.smoke()
        self.assertEqual((status, report["left"], report["broken"]), (0, [], None), printed)
        verdicts = {number: check["result"] for number, check in report["checks"].items()}
        only_aws = {"1": NOT_OBSERVED, "3": NOT_OBSERVED, "4": NOT_OBSERVED}
        self.assertEqual(verdicts, {**dict.fromkeys("25678", YES), **only_aws}, printed)
        self.assertEqual(len(report["checks"]["5"]["measured"]["gate_seconds"]), 2)
        self.assertLess(printed.index("account    123456789012"), printed.index("check 1"))
        self.assertIn("It costs about $0.0", printed)

    def test_an_interrupt_during_a_create_leaves_no_resources(self):
        account = LocalAccount(self.cloud)
        wait = account.until

        def interrupted(condition, poll, *limits):
            if "envkeeper-smoke has a final status" in condition and account.until is interrupted:
                until("the create has created a resource", self.cloud.inventory)
                account.until = wait
                raise KeyboardInterrupt
            return wait(condition, poll, *limits)

        account.until = interrupted
        status, printed, report = self.smoke(account)
        self.assertEqual((status, report["left"], report["broken"]), (1, [], "the operator interrupted the run"), printed)
        self.assertEqual(report["checks"]["5"]["result"], NOT_OBSERVED)
        self.assertIn("Left behind: nothing", printed)

    def test_the_exports_of_another_stack_select_its_functions(self):
        with self.assertRaisesRegex(NotStarted, "no export staging-service-token and no staging-alarm-function"):
            Account(self.cloud.client, "staging")
        stack = Mock(suffix="smoke", account=Mock(token="staging-service-token", alarm_function="staging-alarm-function"))
        text = json.dumps(templates.settled(stack, "t3.micro"), default=str)
        self.assertEqual(text.count("Fn::ImportValue"), 2)
        for name in ("staging-service-token", "staging-alarm-function"):
            self.assertIn(json.dumps({"Fn::ImportValue": name}), text)

    def test_without_consent_or_with_a_foreign_environment_no_resource_is_created(self):
        def no_consent(account):
            raise NotStarted("no")

        self.assertRaises(NotStarted, self.smoke, consent=no_consent)
        iam, name = self.cloud.client("iam"), "scalable-ec2-role-uswest2-smoke"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        try:
            with self.assertRaises(NotStarted) as not_started:
                self.smoke()
            self.assertIn(f"role {name}", str(not_started.exception))
            self.assertEqual([it[:2] for it in self.cloud.inventory()], [("role", name)])
        finally:
            iam.delete_role(RoleName=name)


if __name__ == "__main__":
    unittest.main()
