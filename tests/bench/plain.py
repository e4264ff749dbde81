"""The function that a user would write to store scaling events: each batch results in one call of PutLogEvents.

It is the baseline of the burst in `make bench`. It explains no cause, fails as a whole, and ignores all limits.
"""

import json
import os
import time

import boto3

logs = boto3.client("logs", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=os.environ["AWS_REGION"])
GROUP = os.environ["LOG_GROUP"]


def handler(event, context):
    events = [json.loads(record["body"]) for record in event["Records"]]
    stream = time.strftime("%Y-%m-%d")
    try:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": json.dumps(event["detail"])} for event in events],
    )
    return {}
