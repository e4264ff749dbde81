"""The request queue on the local cloud: the response to a request when a function, a call or a message fails."""

import json
import time
import unittest
from collections import Counter
from contextlib import contextmanager

import demo
from local_cloud import Failed, LocalCloud, until
from test_stacks import event, with_properties


class OneDeployment(unittest.TestCase):
    """One local cloud for all tests of a class. Every test leaves no resources and no faults behind."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def tearDown(self):
        self.cloud.inject_faults()
        self.assertEqual(self.cloud.inventory(), [], "resources are left behind")

    def queue(self, name):
        urls = self.cloud.client("sqs").list_queues(QueueNamePrefix=f"envkeeper-{name}-")["QueueUrls"]
        self.assertEqual(len(urls), 1, urls)
        return urls[0]

    @contextmanager
    def queue_attributes(self, **attributes):
        """The request queue has other attributes within the block."""
        sqs, url = self.cloud.client("sqs"), self.queue("RequestQueue")
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(attributes))["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    @contextmanager
    def failing_reconciler(self):
        """The reconciler does not start within the block, since it has no records table."""
        table = self.cloud.set_variable_of("reconciler", "RECORDS_TABLE", "")
        try:
            yield
        finally:
            self.cloud.set_variable_of("reconciler", "RECORDS_TABLE", table)

    def short_redrive_policy(self):
        """The request queue's own redrive policy, with two receives at most."""
        sqs, url = self.cloud.client("sqs"), self.queue("RequestQueue")
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
        return json.dumps({**json.loads(policy), "maxReceiveCount": 2})

    def count(self, name, state=""):
        """The number of a queue's messages that can be received, or that are in the state NotVisible."""
        attribute = f"ApproximateNumberOfMessages{state}"
        found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=[attribute])
        return int(found["Attributes"][attribute])

    def is_empty(self, name):
        return not self.count(name) and not self.count(name, "NotVisible")

    def succeeds(self, request):
        response = self.cloud.request(request)
        self.assertEqual(response["Status"], "SUCCESS", response)


class RequestQueue(OneDeployment):
    """What fails is a function, its invocation, or a response."""

    def test_a_redelivered_event_gets_one_response(self):
        sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
        self.cloud.invoke("custom-resource", sent)
        self.assertEqual(self.cloud.wait_for(sent)["Status"], "SUCCESS")
        self.cloud.invoke("custom-resource", sent)
        self.succeeds(event("delete.json"))
        self.assertEqual(len(self.cloud.responses.all_at(sent["ResponseURL"])), 1)

    def test_a_delete_supersedes_a_running_create_and_both_get_a_response(self):
        create = self.cloud.send(with_properties("create.json", Egress="NatGateway"))
        until("the create has created a resource", self.cloud.inventory)
        delete = self.cloud.send(event("delete.json", RequestId="at-once"))
        superseded = self.cloud.wait_for(create)
        self.assertEqual(superseded["Status"], "FAILED")
        self.assertIn("Superseded", superseded["Reason"])
        self.assertEqual(self.cloud.wait_for(delete)["Status"], "SUCCESS")

    def test_an_undelivered_response_is_sent_again(self):
        responses = {"service": "unsigned", "operation": "PUT /_ministack/cfn-response/*"}
        self.cloud.inject_faults({**responses, "nth": 1, "fault": "503"}, {**responses, "nth": 2, "fault": "lost-response"})
        template = {
            "Type": "Custom::ScalableEnvironment",
            "Properties": {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, "EnvironmentSuffix": "A B"},
        }
        with self.assertRaises(Failed) as failed:
            self.cloud.stack("unlucky", json.dumps({"Resources": {"Web": template}}), {})
        self.assertIn("EnvironmentSuffix is a string of 3 characters", str(failed.exception))
        self.assertEqual([rule["injected"] for rule in json.loads(self.cloud.control("faults"))], [1, 1])

    def test_a_failed_invocation_is_retried_and_then_gets_a_response(self):
        self.cloud.inject_faults({"service": "dynamodb", "operation": "*", "app": "custom-resource", "fault": "500"})
        sent = event("create.json", ResponseURL=self.cloud.responses.new_url())
        self.cloud.invoke("custom-resource", sent, "Event")
        response = self.cloud.wait_for(sent)
        self.assertEqual(response["Status"], "FAILED")
        self.assertIn("RetriesExhausted", response["Reason"])
        until("the queue is empty", lambda: self.is_empty("FailedInvocations"))

    def test_a_request_without_a_running_reconciler_gets_a_response_when_due(self):
        with self.queue_attributes(VisibilityTimeout="5"):
            with self.failing_reconciler():
                due = time.time() + 20
                sent = self.cloud.send(with_properties("create.json", ServiceTimeout="20"))
                until("the reconciler was invoked", lambda: self.count("RequestQueue", "NotVisible"))
                self.cloud.invoke("watchdog", {})
                early = time.time() < due and self.cloud.responses.first_at(sent["ResponseURL"])
                self.assertFalse(early, "the reconciler has time left")
                response = self.cloud.wait_for(sent)
            self.assertEqual(response["Status"], "FAILED")
            self.assertIn("No response was sent by", response["Reason"])
            until("the overdue message is deleted", lambda: self.is_empty("RequestQueue"))
            self.assertEqual(len(self.cloud.responses.all_at(sent["ResponseURL"])), 1, "the request got a second response")
            self.succeeds(event("delete.json", RequestId="rollback"))


class QueueFailures(OneDeployment):
    """What fails is a call, a message, or all of it at once."""

    def test_after_a_reconciler_is_killed_during_a_call_the_next_one_observes_again(self):
        with self.queue_attributes(VisibilityTimeout="10"):
            held = {"service": "ec2", "operation": "CreateSubnet", "nth": 2, "fault": "timeout-after"}
            self.cloud.inject_faults({**held, "app": "reconciler"})
            sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
            until("the call is held", lambda: any("fault" in call for call in self.cloud.calls()))
            self.assertTrue(self.cloud.kill("reconciler"), "no reconciler was running")
            # The message remains invisible past the end of the killed process, which the queue does not notice.
            self.assertEqual(self.cloud.wait_for(sent, limit=180)["Status"], "SUCCESS")
        subnets = [name for kind, name, _ in self.cloud.inventory() if kind == "subnet"]
        self.assertEqual(len(subnets), len(set(subnets)), "there are duplicates")
        self.succeeds(event("delete.json"))

    def test_a_dead_letter_gets_a_response_immediately(self):
        with self.queue_attributes(VisibilityTimeout="2", RedrivePolicy=self.short_redrive_policy()):
            with self.failing_reconciler():
                response = self.cloud.request(event("create.json"))
                self.assertEqual(response["Status"], "FAILED")
                self.assertIn("processed as often as the request queue allows", response["Reason"])
                until("the dead letters are processed", lambda: self.is_empty("RequestDeadLetters"))
        self.succeeds(event("delete.json", RequestId="rollback"))

    def test_a_poison_message_is_removed_and_delays_no_request(self):
        with self.queue_attributes(VisibilityTimeout="2", RedrivePolicy=self.short_redrive_policy()):
            poison = {"MessageBody": "{", "MessageGroupId": "poison", "MessageDeduplicationId": "poison"}
            self.cloud.operator("sqs").send_message(QueueUrl=self.queue("RequestQueue"), **poison)
            self.succeeds(event("delete-of-nothing.json"))
            until("the message is removed", lambda: self.is_empty("RequestQueue") and self.is_empty("RequestDeadLetters"))

    def test_a_due_pass_without_an_environment_ends_and_reads_the_next_tasks(self):
        begin, owner = len(self.cloud.calls()), "0123456789abcdef0123"
        message = {"MessageBody": json.dumps({"Due": owner}), "MessageGroupId": owner, "MessageDeduplicationId": "due"}
        self.cloud.operator("sqs").send_message(QueueUrl=self.queue("RequestQueue"), **message)
        until("the message is removed", lambda: self.is_empty("RequestQueue"))
        self.assertEqual(self.cloud.invoke("watchdog", {})["DuePasses"], 0)
        made = Counter(
            (call["app"], call["operation"], call["status"])
            for call in self.cloud.calls()[begin:]
            if call["service"] == "dynamodb" and call.get("app") in ("reconciler", "watchdog")
        )
        # The waiting requests, and sixteen pages of tasks.
        self.assertEqual(made["reconciler", "Query", 200], 17, made)
        self.assertEqual(made["reconciler", "DeleteItem", 200], 1, made)
        self.assertTrue(all(status == 200 for _, _, status in made), made)

    def test_an_environment_settles_and_is_deleted_under_fault_injection(self):
        calls = {"service": "*", "operation": "*", "app": "reconciler", "seed": 1}
        self.cloud.inject_faults(
            {**calls, "service": "ec2", "operation": "CreateVpc", "nth": 1, "fault": "lost-response"},
            {**calls, "service": "iam", "operation": "GetRole", "after": "CreateRole", "nth": 1, "fault": "not-found-lag"},
            {**calls, "probability": 0.05, "fault": "throttling"},
            {**calls, "probability": 0.02, "fault": "malformed-body"},
        )
        sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
        created = self.cloud.wait_for(sent, 300)
        self.assertEqual(created["Status"], "SUCCESS", created)
        self.assertEqual(len([kind for kind, _, _ in self.cloud.inventory() if kind == "vpc"]), 1, "there are duplicates")
        deleted = self.cloud.wait_for(self.cloud.send(event("delete.json")), 300)
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        injected = [rule["injected"] for rule in json.loads(self.cloud.control("faults"))]
        self.assertTrue(all(injected), f"a fault rule injected no fault: {injected}")
        self.assertTrue(demo.writes(self.cloud), "the reconciler made no writing call")


if __name__ == "__main__":
    unittest.main()
