"""Rules that the expanded template keeps, beyond what cfn-lint knows. `broken(template)` names each that is not kept."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What AWS's name of a stack may have at most, and what names made of it may.
STACK_CHARS_MAX = 128
NAME_CHARS_MAX = {
    ("AWS::SecretsManager::Secret", "Name"): 512,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::ApiGatewayV2::Api", "Name"): 128,
}
ALARMS_MAX = 10
FIGURES_MAX = 10
# They write into no resource.
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# Settings that a function can do without, and whose they are.
OPTIONAL = {"XERO_SCOPES", "XERO_TENANT_ID"}
CONSOLE_ONLY = {"PARSTOCK_CONSOLE_USERS", "XERO_LOGIN_URL", "XERO_CONNECTIONS_URL"}


def of_type(template, kind):
    resources = template["Resources"].items()
    return {name: each for name, each in resources if each["Type"] == kind}


def listed(value):
    return value if isinstance(value, list) else [value]


def ref(value):
    """Whom a reference or an attribute is of."""
    if not isinstance(value, dict):
        return None
    got = value.get("Ref") or value.get("Fn::GetAtt")
    return got.split(".")[0] if isinstance(got, str) else got and got[0]


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        yield from listed(policy["PolicyDocument"]["Statement"])


def source(path):
    return (ROOT / path).read_text()


def broken(template):
    """A sentence for each rule that is not kept."""
    return [problem for rule in RULES for problem in rule(template)]


def roles(template):
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if role["Properties"].get("ManagedPolicyArns"):
            yield f"{name} has a managed policy, which allows more than is needed"
        for statement in statements(role):
            actions = listed(statement["Action"])
            for action in actions:
                if action.split(":")[1] in ("*", "") or action in ("dynamodb:Scan", "*"):
                    yield f"{name} allows {action}"
            if "*" in listed(statement["Resource"]) and not set(actions) <= WITHOUT_RESOURCE:
                yield f"{name} allows {actions} on everything"
            if not statement.get("Sid"):
                yield f"{name} has a statement that does not say what for"
    kinds = {kind["Type"] for kind in template["Resources"].values()}
    if kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
        yield "a policy stands outside its role"


def functions(template):
    used = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        properties = function["Properties"]
        used.append(ref(properties["Role"]))
        if properties["Runtime"] != "provided.al2023":
            yield f"{name} runs on {properties['Runtime']}"
        if properties.get("TracingConfig", {}).get("Mode") != "Active":
            yield f"{name} is not traced"
        if ref(properties.get("LoggingConfig", {}).get("LogGroup")) not in of_type(template, "AWS::Logs::LogGroup"):
            yield f"{name} logs into a group that never forgets"
        known = set(properties["Environment"]["Variables"])
        for missing in sorted(wanted(name) - known):
            yield f"{name} is not given {missing}"
    if len(set(used)) != len(used) or len(used) != 5:
        yield f"the functions' roles are {used}"


def wanted(function):
    """The settings that shared/adapters/src/config.rs reads."""
    table = source("shared/adapters/src/config.rs").split("//! Secrets themselves")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("//! | `")]
    names = {name for row in rows for name in re.findall(r"`((?:PARSTOCK|XERO|SSL)_[A-Z_]+)`", row)} - OPTIONAL
    queues = {"WORK", "EFFECTS"} & set(re.findall(r"`(\w+)`", table))
    names |= {name.replace("EVENTS", queue) for queue in queues for name in names if "EVENTS" in name}
    return names if function == "Console" else names - CONSOLE_ONLY


def queues(template):
    every = of_type(template, "AWS::SQS::Queue")
    tries = int(re.search(r"RECEIVES_MAX: u32 = (\d+)", source("shared/app/src/process.rs")).group(1))
    mapped = set()
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping").items():
        properties = mapping["Properties"]
        queue = every[ref(properties["EventSourceArn"])]["Properties"]
        mapped.add(ref(properties["EventSourceArn"]))
        function = template["Resources"][ref(properties["FunctionName"])]["Properties"]
        least = 6 * function["Timeout"] + properties.get("MaximumBatchingWindowInSeconds", 0)
        if queue.get("VisibilityTimeout", 30) < least:
            yield f"the queue of {name} hides messages for less than {least} s"
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name} gives back whole batches"
        if "MaximumConcurrency" not in properties.get("ScalingConfig", {}):
            yield f"{name} has no limit"
        redrive = queue.get("RedrivePolicy")
        if not redrive:
            yield f"the queue of {name} has no dead letters"
        elif redrive["maxReceiveCount"] != tries + 2:
            yield f"the queue of {name} gives up before the processor does, or long after"
    for name, queue in every.items():
        if not queue["Properties"].get("SqsManagedSseEnabled"):
            yield f"{name} is not encrypted"
    if len(mapped) != 3:
        yield f"the mapped queues are {sorted(mapped)}"


def table(template):
    for name, each in of_type(template, "AWS::DynamoDB::Table").items():
        properties = each["Properties"]
        attribute = re.search(r'EXPIRES: &str = "(\w+)"', source("shared/adapters/src/store/row.rs")).group(1)
        for is_kept, rule in (
            (each.get("DeletionPolicy") == "Retain" == each.get("UpdateReplacePolicy"), "outlives the stack"),
            (properties.get("DeletionProtectionEnabled") is True, "is protected"),
            (properties.get("BillingMode") == "PAY_PER_REQUEST", "is paid by request"),
            (properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"), "can go back"),
            (properties.get("SSESpecification", {}).get("SSEEnabled") is True, "is encrypted"),
            (properties.get("TimeToLiveSpecification", {}).get("AttributeName") == attribute, "forgets what ends"),
        ):
            if not is_kept:
                yield f"{name} breaks: it {rule}"


def alarms(template):
    every = of_type(template, "AWS::CloudWatch::Alarm")
    if len(every) > ALARMS_MAX:
        yield f"there are {len(every)} alarms"
    text = source("shared/app/src/figures.rs")
    known = set(re.findall(r'Self::\w+ => "([a-z_]+)"', text))
    if len(known) > FIGURES_MAX:
        yield f"there are {len(known)} figures"
    for name, alarm in every.items():
        properties = alarm["Properties"]
        if not properties.get("AlarmActions"):
            yield f"{name} tells nobody"
        if properties.get("Namespace") == "parstock" and properties["MetricName"] not in known:
            yield f"{name} watches {properties['MetricName']}, which nothing writes"
    shown = str([each["Properties"]["DashboardBody"] for each in of_type(template, "AWS::CloudWatch::Dashboard").values()])
    for figure in known:
        if f'"{figure}"' not in shown:
            yield f"{figure} is not on the dashboard"


def logs(template):
    for name, group in of_type(template, "AWS::Logs::LogGroup").items():
        if not group["Properties"].get("RetentionInDays"):
            yield f"{name} never forgets"


def schedules(template):
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        properties = schedule["Properties"]
        expression = properties["ScheduleExpression"]
        cron = re.fullmatch(r"cron\((.*)\)", expression)
        rate = re.fullmatch(r"rate\((1 (minute|hour|day)|([2-9]|\d\d+) (minutes|hours|days))\)", expression)
        if not (rate or (cron and len(cron.group(1).split()) == 6)):
            yield f"{name} has an expression that AWS refuses: {expression}"
        target = properties["Target"]
        if "RetryPolicy" not in target or "DeadLetterConfig" not in target:
            yield f"{name} loses ticks"


def secrets(template):
    for name, secret in of_type(template, "AWS::SecretsManager::Secret").items():
        has_content = {"SecretString", "GenerateSecretString"} & set(secret["Properties"])
        if has_content and name != "ConsoleSecret":
            yield f"{name} has content, which an update would write over what people entered"


def names(template):
    for (kind, field), most in NAME_CHARS_MAX.items():
        for name, each in of_type(template, kind).items():
            value = each["Properties"][field]
            text = value.get("Fn::Sub", "${AWS::StackName}") if isinstance(value, dict) else value
            longest = text.replace("${AWS::StackName}", "x" * STACK_CHARS_MAX).replace("${AWS::Region}", "x" * 20)
            if len(longest) > most:
                yield f"{name} can have a name of {len(longest)} characters"


def outputs(template):
    """What the command finds a stack's parts by."""
    outputs = source("infra/local/src/stack/outputs.rs")
    listed = re.search(r"const OUTPUTS: .*?= \[(.*?)\];", outputs, re.DOTALL)[1]
    for name in re.findall(r'\("(\w+)", ', listed):
        if name not in template["Outputs"]:
            yield f"there is no output {name}, which the command looks for"
    version = re.search(r'^version = "(.+)"', source("Cargo.toml"), re.MULTILINE)[1]
    if template["Outputs"]["Version"]["Value"] != version:
        yield f"the stack's version is not {version}, which its binaries have"


RULES = (roles, functions, queues, table, alarms, logs, schedules, secrets, names, outputs)
