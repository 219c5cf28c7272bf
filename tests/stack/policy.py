"""Whether each role allows what is done by it, and nothing else.

usage: policy.py CALLS

CALLS is what run.py wrote: of each function, the actions and resources that its calls needed. What AWS itself does by a role
(taking from queues, logging, tracing, ticking) is worked out of the template, by the feature that needs it."""

import fnmatch
import json
import sys

from calls import ACCOUNT, arn
from expand import REGION, STACK, expand, source
from rules import listed, of_type, ref, statements

PSEUDO = {
    "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK, "AWS::URLSuffix": "amazonaws.com",
}


class Names:
    """What the deployed resources are called."""

    def __init__(self, template, physical):
        self.template, self.physical = template, physical

    def arn(self, name):
        kind, own = self.template["Resources"][name]["Type"], self.physical[name]
        return {
            "AWS::DynamoDB::Table": lambda: arn("dynamodb", f"table/{own}"),
            "AWS::SQS::Queue": lambda: arn("sqs", own.rsplit("/", 1)[-1]),
            "AWS::SecretsManager::Secret": lambda: arn("secretsmanager", f"secret:{own}-??????"),
            "AWS::Logs::LogGroup": lambda: arn("logs", f"log-group:{own}:*"),
            "AWS::Lambda::Function": lambda: arn("lambda", f"function:{own}"),
        }[kind]()

    def text(self, value):
        if isinstance(value, str):
            return value
        if "Fn::GetAtt" in value:
            return self.arn(ref(value))
        text = value["Fn::Sub"]
        for name, own in PSEUDO.items():
            text = text.replace("${" + name + "}", own)
        return text


def allowed(names, role):
    """Each pair of action and resource that a role allows."""
    for statement in statements(names.template["Resources"][role]):
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, names.text(resource)


def by_aws(names, function):
    """What AWS does by a function's role, as the template has it."""
    properties = names.template["Resources"][function]["Properties"]
    group = names.arn(ref(properties["LoggingConfig"]["LogGroup"]))
    yield from (("logs:CreateLogStream", group), ("logs:PutLogEvents", group))
    if properties["TracingConfig"]["Mode"] == "Active":
        yield from (("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*"))
    for mapping in of_type(names.template, "AWS::Lambda::EventSourceMapping").values():
        if ref(mapping["Properties"]["FunctionName"]) == function:
            queue = names.arn(ref(mapping["Properties"]["EventSourceArn"]))
            yield from ((f"sqs:{action}", queue) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))


def by_schedules(names):
    """What the schedules do by their role."""
    for schedule in of_type(names.template, "AWS::Scheduler::Schedule").values():
        target = schedule["Properties"]["Target"]
        yield "lambda:InvokeFunction", names.arn(ref(target["Arn"]))
        yield "sqs:SendMessage", names.arn(ref(target["DeadLetterConfig"]["Arn"]))


def fits(pair, rule):
    return all(fnmatch.fnmatchcase(one, pattern) for one, pattern in zip(pair, rule))


def compare(who, rules, done):
    rules, done = set(rules), set(done)
    for pair in sorted(done):
        if not any(fits(pair, rule) for rule in rules):
            yield f"{who} may not {pair[0]} on {pair[1]}"
    for rule in sorted(rules):
        if not any(fits(pair, rule) for pair in done):
            yield f"{who} may {rule[0]} on {rule[1]}, which it never does"


def problems(template, found):
    names = Names(template, found["physical"])
    for function, properties in of_type(template, "AWS::Lambda::Function").items():
        role = ref(properties["Properties"]["Role"])
        done = [tuple(pair) for pair in found["demands"].get(function, [])]
        yield from compare(function, allowed(names, role), done + list(by_aws(names, function)))
    yield from compare("the schedules", allowed(names, "ScheduleRole"), by_schedules(names))


def main():
    with open(sys.argv[1]) as file:
        found = json.load(file)
    template = expand(source())
    wrong = list(problems(template, found))
    if wrong:
        sys.exit("\n".join(wrong))
    # Neither a right too few nor one too many may pass.
    for role in {ref(each["Properties"]["Role"]) for each in of_type(template, "AWS::Lambda::Function").values()}:
        for at in range(len(list(statements(template["Resources"][role])))):
            less = expand(source())
            del less["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][at]
            assert list(problems(less, found)), f"{role} without its statement {at} passed"
        more = expand(source())
        every = more["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        every.append({"Action": "sqs:PurgeQueue", "Resource": {"Fn::GetAtt": ["EventsQueue", "Arn"]}})
        assert list(problems(more, found)), f"{role} with a right too many passed"
    pairs = sum(len(pairs) for pairs in found["demands"].values())
    print(f"{pairs} needs of five functions: nothing is missing, nothing is unused")


if __name__ == "__main__":
    main()
