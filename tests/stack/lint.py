"""The template, expanded: by our rules and by cfn-lint, whose warnings count. Then the same with a mistake at a time, each
of which must be found.

usage: lint.py FOLDER_FOR_THE_EXPANDED_TEMPLATE"""

import copy
import json
import os
import subprocess
import sys

from expand import REGION, expand, source
from rules import broken


def lint(folder, template):
    """What cfn-lint says; nothing if it is content."""
    path = os.path.join(folder, "expanded.json")
    with open(path, "w") as file:
        json.dump(template, file, indent=1)
    command = [os.path.join(os.path.dirname(sys.executable), "cfn-lint"), "--regions", REGION, "--template", path]
    answer = subprocess.run(command, capture_output=True, text=True)
    return (answer.stdout + answer.stderr) if answer.returncode else ""


def properties(template, name):
    return template["Resources"][name]["Properties"]


def statement(template, role, sid):
    every = properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"]
    return next(each for each in every if each["Sid"] == sid)


def variables(template):
    return template["Globals"]["Function"]["Environment"]["Variables"]


# What is done to the template, and a word of what must be said of it.
MISTAKES = (
    ("on everything", lambda t: statement(t, "ProcessorRole", "KeepsTheBooks").update(Resource="*")),
    ("dynamodb:Scan", lambda t: statement(t, "ProcessorRole", "KeepsTheBooks").update(Action="dynamodb:Scan")),
    ("roles are", lambda t: properties(t, "Digest").update(Role={"Fn::GetAtt": ["PollerRole", "Arn"]})),
    ("PARSTOCK_WORK_QUEUE_URL", lambda t: variables(t).pop("PARSTOCK_WORK_QUEUE_URL")),
    ("PARSTOCK_CONSOLE_USERS", lambda t: properties(t, "Console").pop("Environment")),
    ("hides messages", lambda t: properties(t, "WorkQueue").update(VisibilityTimeout=300)),
    ("no dead letters", lambda t: properties(t, "EffectsQueue").pop("RedrivePolicy")),
    ("gives up before", lambda t: properties(t, "EventsQueue")["RedrivePolicy"].update(maxReceiveCount=3)),
    ("outlives the stack", lambda t: t["Resources"]["Table"].pop("DeletionPolicy")),
    ("forgets what ends", lambda t: properties(t, "Table")["TimeToLiveSpecification"].update(AttributeName="ttl")),
    ("which nothing writes", lambda t: properties(t, "TokenAgeAlarm").update(MetricName="token_age")),
    ("11 alarms", lambda t: t["Resources"].update(Eleventh=copy.deepcopy(t["Resources"]["TokenAgeAlarm"]))),
    ("never forgets", lambda t: properties(t, "ApiLogs").pop("RetentionInDays")),
    ("AWS refuses", lambda t: properties(t, "DigestSchedule").update(ScheduleExpression="cron(0/15 * * * ?)")),
    ("AWS refuses", lambda t: properties(t, "PollerSchedule").update(ScheduleExpression="rate(15 minute)")),
    ("write over", lambda t: properties(t, "XeroAppSecret").update(SecretString="{}")),
    ("no output EventsQueueUrl", lambda t: t["Outputs"].pop("EventsQueueUrl")),
    ("version is not", lambda t: t["Outputs"]["Version"].update(Value="0.0.9")),
    ("characters", lambda t: properties(t, "Api").update(Name={"Fn::Sub": "parstock-${AWS::StackName}"})),
)


def main():
    folder = sys.argv[1]
    problems = broken(expand(source())) + [lint(folder, expand(source()))]
    problems = [problem for problem in problems if problem]
    if problems:
        sys.exit("\n".join(problems))
    for expected, spoil in MISTAKES:
        template = source()
        spoil(template)
        found = broken(expand(template))
        if not any(expected in problem for problem in found):
            sys.exit(f"a mistake was not found: `{expected}`; found: {found}")
    # A reference to nothing is what cfn-lint is for.
    template = source()
    variables(template)["PARSTOCK_TABLE"] = {"Ref": "Tabel"}
    if "Tabel" not in lint(folder, expand(template)):
        sys.exit("a reference to nothing was not found")
    print(f"the template is right; {len(MISTAKES) + 1} mistakes were found")


if __name__ == "__main__":
    main()
