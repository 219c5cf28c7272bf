"""What a recorded call asks of IAM: action and resource, by AWS's Service Authorization Reference."""

import json
import re
from dataclasses import dataclass

from expand import REGION

ACCOUNT = "000000000000"
# Actions of a transaction's parts; the transaction itself is none.
PARTS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


@dataclass
class Call:
    """What a function asked of AWS, and what it was answered."""

    headers: dict
    path: str
    body: bytes
    status: int
    answer: bytes

    def __post_init__(self):
        self.headers = {name.lower(): value for name, value in self.headers.items()}

    @property
    def target(self):
        return self.headers.get("x-amz-target", "")

    @property
    def key(self):
        return re.search(r"Credential=([^/]+)/", self.headers["authorization"]).group(1)


def arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def table(name):
    return name if name.startswith("arn:") else arn("dynamodb", f"table/{name}")


def needs(call):
    """Pairs of action and resource that one call needs."""
    request = json.loads(call.body)
    if call.path.startswith("/v2/email/outbound-emails"):
        # A mail that comes whole needs this one, by whichever version of SES's API it comes.
        action = "ses:SendRawEmail" if "Raw" in request["Content"] else "ses:SendEmail"
        yield action, arn("ses", f"identity/{request['FromEmailAddress']}")
        return
    service, operation = call.target.split(".", 1)
    if service.startswith("DynamoDB"):
        if operation in ("TransactWriteItems", "TransactGetItems"):
            for item in request["TransactItems"]:
                for part, details in item.items():
                    yield PARTS[part], table(details["TableName"])
        elif "RequestItems" in request:
            for name in request["RequestItems"]:
                yield f"dynamodb:{operation}", table(name)
        else:
            yield f"dynamodb:{operation}", table(request["TableName"])
    elif service == "AmazonSQS":
        yield f"sqs:{operation.removesuffix('Batch')}", arn("sqs", request["QueueUrl"].rsplit("/", 1)[1])
    elif service == "secretsmanager":
        name = request.get("SecretId") or request["Name"]
        # AWS puts a dash and six characters behind the name of each secret, but can't where there is none yet.
        there = b"ResourceNotFoundException" not in call.answer
        yield f"secretsmanager:{operation}", arn("secretsmanager", f"secret:{name}{'-AbCdEf' if there else ''}")
    else:
        raise AssertionError(f"say what {call.target or call.path} needs")


def demands(calls, roles):
    """Of each function, the pairs that its calls needed. `roles` says whose an access key is."""
    found = {}
    for call in calls:
        for pair in needs(call):
            found.setdefault(roles[call.key], set()).add(pair)
    return {function: sorted(pairs) for function, pairs in sorted(found.items())}
