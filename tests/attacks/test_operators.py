"""Functions of operators (S3): a right on one of them gives no other power, and none of them takes the events of another."""

import json
import unittest

from fixture import ACCOUNT, PROJECT, REGION, VICTIM, Attack, allow, batch

from local_cloud import ROOT

READER = allow("lambda:InvokeFunction", resource=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PROJECT}-operator-read")
INVOKE = allow("lambda:InvokeFunction")


def samples(function):
    """The samples of a function, about the victim."""
    for path in sorted((ROOT / "events" / function).glob("*.json")):
        yield path.name, {**json.loads(path.read_text()), "Environment": VICTIM.id}


class Operators(Attack):
    def test_a_reader_changes_nothing_by_the_function_for_readers(self):
        """A role with lambda:InvokeFunction on operator-read sends it every changing request: refused."""
        reader = self.forger(READER)
        with self.unharmed():
            for name, request in samples("operator"):
                with self.subTest(name):
                    refusal = f'Request is "{request["Request"]}": it changes environments, and this function only reads.'
                    self.assertTrue(self.invoke(reader, "operator-read", request)["Error"].startswith(refusal))
                    self.denied(reader("lambda").invoke, FunctionName=f"{PROJECT}-operator", Payload=json.dumps(request))

    def test_the_role_for_readers_writes_nothing(self):
        """The role of operator-read writes the victim's record, queues a message and tags the victim's bucket: denied."""
        outputs = self.cloud.client("cloudformation").describe_stacks(StackName="envkeeper")["Stacks"][0]["Outputs"]
        table = next(it["OutputValue"] for it in outputs if it["OutputKey"] == "RecordsTable")
        role = self.cloud.function_principal("operator-read")
        with self.unharmed():
            change = {"UpdateExpression": "REMOVE settled_spec"}
            key = {"pk": {"S": f"owner#{VICTIM.owner}"}}
            self.denied(role("dynamodb").update_item, TableName=table, Key=key, **change)
            due = self.message("RequestQueue", {"Due": VICTIM.owner}, VICTIM.owner)
            self.denied(role("sqs").send_message, **due)
            self.denied(role("s3").put_bucket_tagging, Bucket=VICTIM.data, Tagging={"TagSet": []})

    def test_an_event_of_cloudformation_is_no_operator_request(self):
        """A role with lambda:InvokeFunction sends both functions a Delete of the victim, alone and in a message: refused."""
        forger, delete = self.forger(INVOKE), VICTIM.request("Delete", {})
        with self.unharmed():
            for function in ("operator-read", "operator"):
                with self.subTest(function):
                    self.assertIn("RequestType is given", self.invoke(forger, function, delete)["Error"])
                    both = {**delete, "Request": "status", "Environment": VICTIM.id}
                    self.assertIn("RequestType is given", self.invoke(forger, function, both)["Error"])
                    message = batch(self.queue_arn("RequestQueue"), delete)
                    self.assertIn("Records is given", self.invoke(forger, function, message)["Error"])

    def test_an_operator_request_is_no_event_of_cloudformation(self):
        """A stack author, who may invoke custom-resource, sends it the operator requests: refused."""
        author = self.forger(INVOKE)
        with self.unharmed():
            for name, request in (*samples("operator"), *samples("operator-read")):
                with self.subTest(name):
                    error = self.invoke(author, "custom-resource", request)["Error"]
                    self.assertIn(f"Send the request to the function {PROJECT}-operator.", error)

    def test_a_claimed_caller_is_repeated_and_believed_by_no_one(self):
        """A role with lambda:InvokeFunction on operator-read claims to be an operator's role: refused, and the claim is logged as
        a claim."""
        claim = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/jane"
        request = {"Request": "unlock", "Environment": VICTIM.id, "Caller": claim}
        with self.unharmed():
            result = self.invoke(self.forger(READER), "operator-read", request)
            self.assertEqual((result["ClaimedCaller"], "Error" in result), (claim, True))
            self.assertIn(f'"claimed_caller":"{claim}"', self.log_lines("operator-read"))


if __name__ == "__main__":
    unittest.main()
