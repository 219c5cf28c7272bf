"""The corner shop in the simulated Xero, as a process of its own."""

import base64
import json
import subprocess
import urllib.request

from expand import REGION
from stand_in import ROOT


class Shop:
    """The corner shop under way."""

    def __init__(self, program):
        self.program = program
        self.process = subprocess.Popen([program, "serve"], stdout=subprocess.PIPE, text=True)
        told = json.loads(self.process.stdout.readline())
        self.xero, self.till = told["xero"], told["till"]
        self.credentials, self.webhook_key = told["credentials"], told["webhook_key"]

    def sell(self, number):
        """Somebody buys one. Answers what Xero would post of it."""
        request = urllib.request.Request(f"{self.till}/sell?number={number}", b"", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return [(base64.b64decode(post["body"]), post["signature"]) for post in json.load(answer)]

    def orders(self):
        with urllib.request.urlopen(f"{self.till}/orders", timeout=30) as answer:
            return json.load(answer)

    def give_settings(self, environment, stand_in, owner, more):
        """As a person would through parstock's own files; with `more` the shop wants more stock."""
        environment = {
            **environment,
            "AWS_ENDPOINT_URL": stand_in.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ROOT["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": ROOT["aws_secret_access_key"],
        }
        answer = subprocess.run(
            [self.program, "settings", owner, "more" if more else "some"], env=environment, capture_output=True, text=True, timeout=120
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return json.loads(answer.stdout)["org"]

    def close(self):
        self.process.kill()
        self.process.wait()
