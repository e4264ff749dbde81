"""The line of requests on the local cloud: what happens to an answer when a function, a call or a message fails."""

import json
import time
import unittest
from contextlib import contextmanager

import demo
from local_cloud import Failed, LocalCloud, until
from test_stacks import event, with_properties



class Line(unittest.TestCase):
    """One local cloud for all of them: every test leaves it as empty, and as well, as it found it."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def tearDown(self):
        self.cloud.fails()
        self.assertEqual(self.cloud.inventory(), [], "something was left behind")

    def queue(self, name):
        urls = self.cloud.client("sqs").list_queues(QueueNamePrefix=f"envkeeper-{name}-")["QueueUrls"]
        self.assertEqual(len(urls), 1, urls)
        return urls[0]

    @contextmanager
    def line_with(self, **attributes):
        """The queue of the requests, with other attributes for a while."""
        sqs, url = self.cloud.client("sqs"), self.queue("RequestQueue")
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(attributes))["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    @contextmanager
    def reconciler_that_does_not_start(self):
        table = self.cloud.set_variable_of("reconciler", "RECORDS_TABLE", "")
        try:
            yield
        finally:
            self.cloud.set_variable_of("reconciler", "RECORDS_TABLE", table)

    def dead_letters(self):
        """The line's own policy, but one that gives up after a second try."""
        sqs, url = self.cloud.client("sqs"), self.queue("RequestQueue")
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
        return json.dumps({**json.loads(policy), "maxReceiveCount": 2})

    def is_empty(self, name):
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=counts)
        return all(answer["Attributes"][count] == "0" for count in counts)

    def succeeds(self, request):
        answer = self.cloud.ask(request)
        self.assertEqual(answer["Status"], "SUCCESS", answer)

    def test_the_same_event_twice_is_answered_once(self):
        sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
        self.cloud.invoke("custom-resource", sent)
        self.assertEqual(self.cloud.wait_for(sent)["Status"], "SUCCESS")
        self.cloud.invoke("custom-resource", sent)
        self.succeeds(event("delete.json"))
        self.assertEqual(len(self.cloud.answers.all_at(sent["ResponseURL"])), 1)

    def test_a_delete_stops_the_create_before_it_and_both_are_answered(self):
        create = self.cloud.send(with_properties("create.json", Egress="NatGateway"))
        until("the create makes something", self.cloud.inventory)
        delete = self.cloud.send(event("delete.json", RequestId="at-once"))
        stopped = self.cloud.wait_for(create)
        self.assertEqual(stopped["Status"], "FAILED")
        self.assertIn("Superseded", stopped["Reason"])
        self.assertEqual(self.cloud.wait_for(delete)["Status"], "SUCCESS")

    def test_an_answer_that_does_not_arrive_is_sent_again(self):
        answers = {"service": "unsigned", "operation": "PUT /_ministack/cfn-response/*"}
        self.cloud.fails({**answers, "nth": 1, "fault": "503"}, {**answers, "nth": 2, "fault": "lost-response"})
        template = {
            "Type": "Custom::ScalableEnvironment",
            "Properties": {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, "EnvironmentSuffix": "A B"},
        }
        with self.assertRaises(Failed) as failed:
            self.cloud.stack("unlucky", json.dumps({"Resources": {"Web": template}}), {})
        self.assertIn('EnvironmentSuffix is "A B"', str(failed.exception))
        self.assertEqual([rule["injected"] for rule in json.loads(self.cloud.control("faults"))], [1, 1])

    def test_a_door_that_fails_is_tried_again_and_then_answered_for(self):
        self.cloud.fails({"service": "dynamodb", "operation": "*", "app": "custom-resource", "fault": "500"})
        sent = event("create.json", ResponseURL=self.cloud.answers.new_url())
        self.cloud.invoke("custom-resource", sent, "Event")
        answer = self.cloud.wait_for(sent)
        self.assertEqual(answer["Status"], "FAILED")
        self.assertIn("RetriesExhausted", answer["Reason"])
        until("the queue is empty", lambda: self.is_empty("FailedInvocations"))

    def test_a_request_whose_reconciler_does_not_start_is_answered_when_it_is_due(self):
        with self.line_with(VisibilityTimeout="5"):
            with self.reconciler_that_does_not_start():
                sent = self.cloud.send(with_properties("create.json", ServiceTimeout="20"))
                time.sleep(5)
                self.cloud.invoke("watchdog", {})
                self.assertIsNone(self.cloud.answers.at(sent["ResponseURL"]), "15 s are left to those who work")
                answer = self.cloud.wait_for(sent)
            self.assertEqual(answer["Status"], "FAILED")
            self.assertIn("No response was sent by", answer["Reason"])
            until("the late request is put away", lambda: self.is_empty("RequestQueue"))
            self.assertEqual(len(self.cloud.answers.all_at(sent["ResponseURL"])), 1, "and not answered once more")
            self.succeeds(event("delete.json", RequestId="rollback"))

    def test_a_reconciler_that_dies_in_the_middle_of_a_call_is_followed_by_one_that_looks_again(self):
        with self.line_with(VisibilityTimeout="10"):
            held = {"service": "ec2", "operation": "CreateSubnet", "nth": 2, "fault": "timeout-after"}
            self.cloud.fails({**held, "app": "reconciler"})
            sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
            until("the call is held", lambda: any("fault" in call for call in self.cloud.calls()))
            self.assertTrue(self.cloud.kill("reconciler"), "it was alive")
            # It kept its message until after its own end, which nobody else knows.
            self.assertEqual(self.cloud.wait_for(sent, limit=180)["Status"], "SUCCESS")
        subnets = [name for kind, name, _ in self.cloud.inventory() if kind == "subnet"]
        self.assertEqual(len(subnets), len(set(subnets)), "no twins")
        self.succeeds(event("delete.json"))

    def test_what_the_line_gives_up_is_answered_at_once(self):
        with self.line_with(VisibilityTimeout="2", RedrivePolicy=self.dead_letters()):
            with self.reconciler_that_does_not_start():
                answer = self.cloud.ask(event("create.json"))
                self.assertEqual(answer["Status"], "FAILED")
                self.assertIn("tried as often as the queue allows", answer["Reason"])
                until("the dead letters are read", lambda: self.is_empty("RequestDeadLetters"))
        self.succeeds(event("delete.json", RequestId="rollback"))

    def test_a_message_that_is_no_request_is_put_away_and_holds_up_nobody(self):
        with self.line_with(VisibilityTimeout="2", RedrivePolicy=self.dead_letters()):
            poison = {"MessageBody": "{", "MessageGroupId": "poison", "MessageDeduplicationId": "poison"}
            self.cloud.client("sqs").send_message(QueueUrl=self.queue("RequestQueue"), **poison)
            self.succeeds(event("delete-of-nothing.json"))
            until("it is gone", lambda: self.is_empty("RequestQueue") and self.is_empty("RequestDeadLetters"))

    def test_an_environment_settles_and_goes_whatever_single_calls_do(self):
        foul = {"service": "*", "operation": "*", "app": "reconciler", "seed": 1}
        self.cloud.fails(
            {**foul, "service": "ec2", "operation": "CreateVpc", "nth": 1, "fault": "lost-response"},
            {**foul, "service": "iam", "operation": "GetRole", "after": "CreateRole", "nth": 1, "fault": "not-found-lag"},
            {**foul, "probability": 0.05, "fault": "throttling"},
            {**foul, "probability": 0.02, "fault": "malformed-body"},
        )
        sent = self.cloud.send(with_properties("create.json", Egress="PublicIp"))
        made = self.cloud.wait_for(sent, 300)
        self.assertEqual(made["Status"], "SUCCESS", made)
        self.assertEqual(len([kind for kind, _, _ in self.cloud.inventory() if kind == "vpc"]), 1, "no twins")
        deleted = self.cloud.wait_for(self.cloud.send(event("delete.json")), 300)
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        injected = [rule["injected"] for rule in json.loads(self.cloud.control("faults"))]
        self.assertTrue(all(injected), f"each fault rule injected a fault: {injected}")
        self.assertTrue(demo.writes(self.cloud), "and only the reconciler wrote")


if __name__ == "__main__":
    unittest.main()
