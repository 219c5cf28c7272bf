"""A stand-in for AWS on this machine that enforces IAM, with a proxy before it that notes who called what."""

import copy
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from calls import Call
from expand import REGION, expand

# The stand-in's root.
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
BUCKET = "artefacts"
FUNCTIONS = ("Webhook", "Processor", "Poller", "Digest", "Console")
# Seconds.
START_MAX = 30
DEPLOY_MAX = 180
# Lines of each function's log that a failure shows.
LINES_TOLD = 40
BUNDLES = [ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(what, ask, seconds):
    """Asks until the answer is true. Answers it."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.25)


def bundle():
    """This machine's one file of certificate authorities."""
    return next(path for path in BUNDLES if path and os.path.exists(path))


def for_the_stand_in(template):
    """What has to differ from AWS, and nothing else: each line names its reason."""
    template = copy.deepcopy(template)
    # A minute stands for a quarter of an hour.
    schedule = template["Resources"]["PollerSchedule"]["Properties"]
    assert schedule["ScheduleExpression"] == "rate(15 minutes)"
    schedule["ScheduleExpression"] = "rate(1 minute)"
    # AWS asks for `ses:SendRawEmail` on the sender when a mail comes whole; the stand-in asks for `ses:SendEmail` on `*`.
    for resource in template["Resources"].values():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Action"] == "ses:SendRawEmail":
                    statement.update(Action="ses:SendEmail", Resource="*")
                    statement.pop("Condition", None)
    return template


def zipped(binary):
    """A function's artefact."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        # The same bytes for the same binary, so that a second deployment changes nothing.
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(binary, "rb") as read:
            archive.writestr(entry, read.read())
    return file.getvalue()


class StandIn:
    """The stand-in under way. Ends with `close`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="parstock-stack-")
        self.port, self.proxy_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.calls = []
        self.roles = {}
        self.log = open(os.path.join(self.folder, "log"), "wb")
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "TMPDIR": self.folder,
            # Where functions find AWS: through the proxy.
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy_port}",
        }
        self.process = subprocess.Popen(
            [os.path.join(os.path.dirname(sys.executable), "ministack")],
            env=environment, cwd=self.folder, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        self.proxy = Proxy(self)
        try:
            wait_for("the stand-in answers", self.answers, START_MAX)
        except BaseException:
            self.close()
            raise
        self.s3 = self.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def client(self, service):
        """A client with all rights, past the proxy."""
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=True)
        return boto3.client(service, endpoint_url=self.url, config=config, **ROOT)

    def said(self):
        self.log.flush()
        with open(self.log.name, errors="replace") as log:
            return log.read()

    def function_logs(self):
        """The last of what the functions wrote, and which calls were refused."""
        logs = self.client("logs")
        told = []
        for group in logs.describe_log_groups()["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            told += [group["logGroupName"]] + [event["message"].rstrip() for event in events[-LINES_TOLD:]]
        told += [
            f"{call.target or call.path} {call.status}: {call.answer!r}"
            for call in self.calls
            if call.status in (401, 403)
        ]
        return "\n".join(told)

    def close(self):
        self.proxy.close()
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        except ProcessLookupError:
            pass
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def mails(self):
        with urllib.request.urlopen(f"{self.url}/_ministack/ses/messages", timeout=10) as answer:
            messages = json.load(answer)["messages"]
        # by account
        return [mail for mails in messages.values() for mail in mails] if isinstance(messages, dict) else messages

    def upload(self, binaries):
        """Puts the artefacts where CloudFormation finds them. Answers the place of each function's."""
        places = {}
        for function, binary in binaries.items():
            content = zipped(binary)
            key = hashlib.sha256(content).hexdigest()
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
            places[function] = f"s3://{BUCKET}/{key}"
        return places

    def deploy(self, name, template, places, parameters):
        """Creates the stack, or updates it. Answers its outputs."""
        body = json.dumps(expand(for_the_stand_in(template), places))
        self.s3.put_object(Bucket=BUCKET, Key="template", Body=body.encode())
        cloudformation = self.client("cloudformation")
        request = {
            "StackName": name,
            "TemplateURL": f"{self.url}/{BUCKET}/template",
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            cloudformation.create_stack(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
            try:
                cloudformation.update_stack(**request)
            except ClientError as unchanged:
                if "No updates" not in str(unchanged):
                    raise

        def settled():
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return stack if not stack["StackStatus"].endswith("_IN_PROGRESS") else None

        stack = wait_for("the deployment", settled, DEPLOY_MAX)
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            failed = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                for event in events
                if event["ResourceStatus"].endswith("FAILED")
            ]
            raise AssertionError(f"{stack['StackStatus']}: {failed}")
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.physical = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
        self.know_roles(places)
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def know_roles(self, functions):
        """By which access key the stand-in lets each function call. It derives the key from function and role."""
        client = self.client("lambda")
        for function in functions:
            settings = client.get_function_configuration(FunctionName=self.physical[function])
            digest = hashlib.sha256(f"{settings['FunctionArn']}:{settings['Role']}".encode()).hexdigest()
            self.roles[f"ASIA{digest[:16].upper()}"] = function

    def environment(self, function):
        """A function's settings."""
        settings = self.client("lambda").get_function_configuration(FunctionName=self.physical[function])
        return settings["Environment"]["Variables"]

    def post(self, outputs, path, body, headers=()):
        return self.ask("POST", outputs, path, body, dict(headers))

    def ask(self, method, outputs, path, body=None, headers=None):
        """A request to the stack's own URL. Answers status, headers and body."""
        host = re.match(r"https://([^/]+)", outputs["ConsoleUrl"]).group(1)
        api = host.split(".")[0]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": f"{api}.execute-api.localhost:{self.port}", **(headers or {})}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


class Proxy:
    """Passes on what the functions ask of AWS, and notes it."""

    def __init__(self, stand_in):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=120)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                stand_in.calls.append(Call(dict(self.headers), self.path, body, answer.status, content))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", stand_in.proxy_port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
