"""The function that a user would write in Python: the clients are created at load time, and an event results in one call.

The code after it is the minimum of Lambda's runtime for Python. The function is the baseline of the starts in `make bench`.
"""

import http.client
import json
import os

import boto3

clients = {service: boto3.client(service) for service in os.environ["CLIENTS"].split(",")}


def handler(event):
    key = {"pk": {"S": "environment#plain"}}
    response = clients["dynamodb"].get_item(TableName=os.environ["RECORDS_TABLE"], Key=key, ConsistentRead=True)
    return {"Found": "Item" in response}


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        invocation = api.getresponse()
        event = json.load(invocation)
        request = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        result = json.dumps(handler(event))
        api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", result)
        api.getresponse().read()


if __name__ == "__main__":
    main()
