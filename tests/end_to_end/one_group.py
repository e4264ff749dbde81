"""The fixture for tests of a running environment: a local cloud, and one environment of one to four instances."""

import unittest

from demo import GROUP, states
from local_cloud import LocalCloud, until
from test_stacks import event, with_properties


class OneGroup(unittest.TestCase):
    """One environment for all tests of a class. Every test ends with one instance in service."""

    PROPERTIES = {}

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()
        cls.create()
        cls.addClassCleanup(cls.delete)

    @classmethod
    def create(cls):
        cls.request("create.json")

    @classmethod
    def request(cls, name, **changes):
        properties = {"Egress": "PublicIp", "MinSize": "1", "MaxSize": "4", "BucketOnDelete": "Empty", **cls.PROPERTIES}
        response = cls.cloud.request(with_properties(name, **properties, **changes))
        assert response["Status"] == "SUCCESS", response

    @classmethod
    def delete(cls):
        deleted = cls.cloud.request(event("delete.json"))
        assert deleted["Status"] == "SUCCESS" and not cls.cloud.inventory(), deleted

    def tearDown(self):
        self.scale(1)
        self.in_service(1)

    def scale(self, to):
        self.cloud.control(f"auto-scaling/scale?group={GROUP}&to={to}", b"")

    def in_service(self, count):
        until(f"{count} in service and no others", lambda: list(states(self.cloud).values()) == ["InService"] * count)

    def queue(self, name):
        (url,) = self.cloud.client("sqs").list_queues(QueueNamePrefix=f"envkeeper-{name}-")["QueueUrls"]
        return url

    def dead_lettered(self, queue, dead_letter_queue):
        """Sends a malformed message, and receives its dead letter: the body and the reason."""
        sqs = self.cloud.operator("sqs")
        sqs.send_message(QueueUrl=self.queue(queue), MessageBody="no { JSON")

        def receive():
            found = sqs.receive_message(QueueUrl=self.queue(dead_letter_queue), MessageAttributeNames=["All"])
            return found.get("Messages")

        (message,) = until("the message is a dead letter", receive)
        sqs.delete_message(QueueUrl=self.queue(dead_letter_queue), ReceiptHandle=message["ReceiptHandle"])
        return message["Body"], message["MessageAttributes"]["Reason"]["StringValue"]
