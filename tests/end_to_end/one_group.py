"""What the tests of a running environment share: a local cloud, and one environment of one to four instances."""

import unittest

from demo import GROUP, states
from local_cloud import LocalCloud, until
from test_stacks import event, with_properties


class OneGroup(unittest.TestCase):
    """One environment for all tests of a class; every test leaves it with one instance in service."""

    PROPERTIES = {}

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()
        cls.create()
        cls.addClassCleanup(cls.delete)

    @classmethod
    def create(cls):
        properties = {"Egress": "PublicIp", "MinSize": "1", "MaxSize": "4", "BucketOnDelete": "Empty", **cls.PROPERTIES}
        made = cls.cloud.ask(with_properties("create.json", **properties))
        assert made["Status"] == "SUCCESS", made

    @classmethod
    def delete(cls):
        gone = cls.cloud.ask(event("delete.json"))
        assert gone["Status"] == "SUCCESS" and not cls.cloud.inventory(), gone

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

    def buried(self, queue, dead):
        """Sends a message that makes no sense, and takes it from the dead letters: its body and the reason."""
        sqs = self.cloud.client("sqs")
        sqs.send_message(QueueUrl=self.queue(queue), MessageBody="no { JSON")

        def look():
            return sqs.receive_message(QueueUrl=self.queue(dead), MessageAttributeNames=["All"]).get("Messages")

        (letter,) = until("it is with the dead letters", look)
        sqs.delete_message(QueueUrl=self.queue(dead), ReceiptHandle=letter["ReceiptHandle"])
        return letter["Body"], letter["MessageAttributes"]["Reason"]["StringValue"]
