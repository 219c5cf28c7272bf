"""The stack from outside: the real template with the release binaries in a stand-in for AWS that enforces IAM, beside
the corner shop in the simulated Xero.

usage: run.py BINARIES CORNER_SHOP CALLS

BINARIES is the folder of the release binaries, CORNER_SHOP the example of that name. What each function asked of AWS is
written to CALLS, for policy.py. No figure of it is a figure of AWS."""

import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import time

from browser import Browser, hidden
from calls import demands
from expand import STACK, source
from shop import Shop
from stand_in import FUNCTIONS, StandIn, bundle, wait_for

OWNER = "owner@example.com"
FROM = "stock@example.com"
# What corner_shop calls its organisations.
SHOP, SECOND_SHOP = "Corner Shop", "Second Shop"
# Seconds. The poller's schedule comes once in a minute here.
SOON = 60
AFTER_A_TICK = 130
# A load that finds the organisation held waits for some seconds each time.
LOAD_MAX = 300
# A poll takes a second or two, and the next comes after a minute.
POLL_AGE = range(2, 45)


class Stack:
    """The stack under test."""

    def __init__(self, binaries, shop, stand_in):
        self.shop, self.stand_in = shop, stand_in
        self.places = self.stand_in.upload(
            {name: os.path.join(binaries, f"parstock-{name.lower()}") for name in FUNCTIONS}
        )
        self.outputs = self.deploy(source())
        self.dynamo = self.stand_in.client("dynamodb")
        self.sqs = self.stand_in.client("sqs")
        self.secrets = self.stand_in.client("secretsmanager")
        # The first shop, and the person at the console, once they are there.
        self.org = self.browser = None

    def deploy(self, template):
        parameters = {
            "MailFrom": FROM,
            "ConsoleUsers": OWNER,
            "Connections": "main,second",
            "AlarmMail": OWNER,
            "XeroApiUrl": f"{self.shop.xero}/api.xro/2.0",
            "XeroIdentityUrl": self.shop.xero,
            "XeroLoginUrl": self.shop.xero,
            "XeroConnectionsUrl": f"{self.shop.xero}/connections",
            "CertificateBundle": bundle(),
        }
        return self.stand_in.deploy(STACK, template, self.places, parameters)

    def enter(self, name, value):
        """A secret as a person enters it: into the one that the template made, or a new one."""
        full, text = f"parstock/{STACK}/{name}", json.dumps(value)
        try:
            self.secrets.put_secret_value(SecretId=full, SecretString=text)
        except self.secrets.exceptions.ResourceNotFoundException:
            self.secrets.create_secret(Name=full, SecretString=text)

    def rows(self, partition="", sort_begins=""):
        """All rows of the table of this kind."""
        pages = self.dynamo.get_paginator("scan").paginate(TableName=self.outputs["Table"])
        rows = [row for page in pages for row in page["Items"]]
        return [
            row for row in rows
            if partition in row["PK"]["S"] and row["SK"]["S"].startswith(sort_begins)
        ]

    def movements(self):
        return [row["SK"]["S"] for row in self.rows("#ITEM#", "M#")]

    def invoke(self, function):
        """As the schedule does."""
        answer = self.stand_in.client("lambda").invoke(
            FunctionName=self.stand_in.physical[function], Payload=json.dumps({"source": "aws.scheduler"})
        )
        payload = answer["Payload"].read()
        assert "FunctionError" not in answer, payload

    def post(self, body, signature):
        status, _, _ = self.stand_in.ask("POST", self.outputs, "/webhook", body, {"x-xero-signature": signature})
        return status

    def counts(self, queue):
        """Messages in a queue: to be had, being worked on, and delayed."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.stand_in.physical[queue], AttributeNames=["All"])
        kinds = ("", "NotVisible", "Delayed")
        return {kind: int(answer["Attributes"].get(f"ApproximateNumberOfMessages{kind}", 0)) for kind in kinds}

    def waiting(self, queue):
        return sum(self.counts(queue).values())

    def has_given_back(self, queue):
        """Whether the processor has asked for messages of a queue to come again soon."""
        named = self.stand_in.physical[queue].encode()
        return any(
            call.target.endswith("ChangeMessageVisibilityBatch") and named in call.body for call in list(self.stand_in.calls)
        )

    def has_secret(self, name):
        try:
            self.secrets.get_secret_value(SecretId=f"parstock/{STACK}/{name}")
            return True
        except self.secrets.exceptions.ResourceNotFoundException:
            return False

    def give_settings(self, more=False):
        """As a person would. Answers the organisation that has them."""
        return self.shop.give_settings(self.stand_in.environment("Processor"), self.stand_in, OWNER, more)

    def profiles(self):
        return [json.loads(row["row"]["S"]) for row in self.rows(sort_begins="PROFILE")]

    def is_loaded(self):
        return any(profile["backfill"]["state"] == "done" for profile in self.profiles())

    def at_rest(self):
        return all(self.waiting(queue) == 0 for queue in ("EventsQueue", "WorkQueue", "EffectsQueue"))

    def rest(self):
        wait_for("all queues are empty", self.at_rest, LOAD_MAX)

    def is_polled(self):
        """Whether the last poll of each shop is over and the next one is not yet due."""
        ages = []
        for profile in self.profiles():
            polled = profile["polled_at"] or "1970-01-01T00:00:00"
            polled = datetime.datetime.fromisoformat(polled[:19] + "+00:00")
            ages.append((datetime.datetime.now(datetime.UTC) - polled).total_seconds())
        return self.waiting("EventsQueue") == 0 and all(int(age) in POLL_AGE for age in ages)

    def deploy_between_polls(self, template):
        """While nothing is under way: the stand-in kills a worker whose function is deployed anew, as AWS does not, and what
        it held stays held for as long as a function may run."""
        wait_for("nothing is under way", lambda: self.at_rest() and self.is_polled(), LOAD_MAX)
        return self.deploy(template)


def without(template, role, sid):
    """Takes a statement out of a role."""
    statements = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    kept = [each for each in statements if each["Sid"] != sid]
    assert len(kept) == len(statements) - 1, f"{role} has no statement {sid}"
    statements[:] = kept


def signature(key, body):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def an_account_is_connected(stack):
    """From an empty account to an organisation whose history is read."""
    shop = stack.shop
    body = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"E"}'
    stack.enter("webhook-keys", [shop.webhook_key])
    stack.enter("connections/main/credentials", shop.credentials)
    stack.enter("xero-app", shop.credentials)
    # Intent to receive: Xero tries a right and a wrong signature.
    answered = stack.post(body, signature(shop.webhook_key, body))
    assert answered == 200, answered
    assert stack.post(body, signature("another key", body)) == 401
    # The schedule itself would come within the minute and connect what is configured.
    stack.invoke("Poller")
    wait_for("the shop is connected", lambda: stack.rows(sort_begins="PROFILE"), SOON)
    wait_for("the history is read", stack.is_loaded, LOAD_MAX)
    stack.org = stack.give_settings()


def a_sale_is_booked(stack):
    before = len(stack.movements())
    for body, signed in stack.shop.sell("INV-1"):
        assert stack.post(body, signed) == 200
    wait_for("the sale is a movement", lambda: len(stack.movements()) == before + 1, SOON)


def a_lost_webhook_is_repaired(stack):
    """By the schedule: nothing else asks for the poll that finds it."""
    wait_for("a poll is over", stack.is_polled, AFTER_A_TICK)
    before = len(stack.movements())
    assert stack.shop.sell("INV-2"), "Xero would have posted"
    wait_for("the poller finds the sale", lambda: len(stack.movements()) == before + 1, AFTER_A_TICK)


def one_digest_is_mailed(stack):
    """For a day. Warnings are mailed beside it whenever a tick finds some."""

    def digests():
        days = [(re.search(r"/digests/([0-9-]+)", mail["BodyText"]), mail["To"]) for mail in stack.stand_in.mails()]
        return [(day.group(1), to) for day, to in days if day]

    stack.invoke("Digest")
    wait_for("a digest is mailed", digests, SOON)
    stack.invoke("Digest")
    stack.rest()
    mailed = digests()
    assert all(to == [OWNER] for _, to in mailed), mailed
    assert len({day for day, _ in mailed}) == len(mailed), mailed


def what_is_given_back_comes_again_soon(stack):
    """While burying is forbidden poison is given back, and once it is allowed again it is buried within a minute."""
    names = ("Events", "Work", "Effects")
    before = {name: stack.waiting(f"{name}DeadLetters") for name in names}
    template = source()
    without(template, "ProcessorRole", "BuriesWhatCantBeServed")
    stack.deploy(template)
    for name in names:
        stack.sqs.send_message(QueueUrl=stack.stand_in.physical[f"{name}Queue"], MessageBody="no message either")
        wait_for(f"that of {name} is given back", lambda: stack.has_given_back(f"{name}Queue"), SOON)
    stack.deploy(source())
    for name in names:
        wait_for(f"that of {name} is buried", lambda: stack.waiting(f"{name}DeadLetters") == before[name] + 1, SOON)


def a_person_signs_in(stack):
    """Once for all that they do afterwards: who asks for many links gets no more of them."""
    stack.browser = Browser(stack, OWNER)
    stack.browser.sign_in()


def poison_is_buried(stack):
    for name in ("Events", "Work", "Effects"):
        before = stack.waiting(f"{name}DeadLetters")
        stack.sqs.send_message(QueueUrl=stack.stand_in.physical[f"{name}Queue"], MessageBody="no message of ours")
        wait_for(f"poison of {name} is buried", lambda: stack.waiting(f"{name}DeadLetters") == before + 1, SOON)
        dead = stack.sqs.receive_message(
            QueueUrl=stack.stand_in.physical[f"{name}DeadLetters"], MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
        message = next(each for each in dead["Messages"] if each["Body"] == "no message of ours")
        assert "not a parstock message" in message["MessageAttributes"]["cause"]["StringValue"], message


def open_proposal(stack):
    """The path of the proposal that waits for a decision, once there is one, and its form's fields."""

    def is_open():
        _, _, listed = stack.browser.ask("GET", f"/o/{stack.org}/proposals")
        for path in sorted(set(re.findall(rf"/o/{stack.org}/proposals/[0-9a-f-]+", listed))):
            status, _, page = stack.browser.ask("GET", path)
            assert status == 200, page
            if 'name="contents"' in page:
                return path, {"csrf": hidden(page, "csrf"), "contents": hidden(page, "contents")}
        return None

    return wait_for("there is a proposal", is_open, AFTER_A_TICK)


def an_approval_becomes_a_draft(stack):
    path, form = open_proposal(stack)
    status, _, page = stack.browser.ask("POST", f"{path}/approve", form)
    assert status == 303, (status, page)
    orders = wait_for("the order is in Xero", stack.shop.orders, SOON)
    assert len(orders) == 1 and orders[0]["is_draft"], orders
    assert orders[0]["number"].startswith("PS-") and orders[0]["lines"][0]["item"] == "TEA", orders


def a_rejection_stands(stack):
    """Of what is wanted beyond the first order."""
    wait_for("the order is known", lambda: stack.waiting("EffectsQueue") == 0, SOON)
    stack.give_settings(more=True)
    path, form = open_proposal(stack)
    status, _, page = stack.browser.ask("POST", f"{path}/reject", {**form, "reason": "no room for it"})
    assert status == 303, (status, page)
    status, _, page = stack.browser.ask("GET", path)
    assert status == 200 and "no room for it" in page, page
    stack.rest()
    assert len(stack.shop.orders()) == 1


def a_second_deployment_loses_nothing(stack):
    names = [name for name in ("console", "webhook-keys", "connections/main/credentials", "connections/main/token")]
    full = [f"parstock/{STACK}/{name}" for name in names]
    secrets = lambda: [stack.secrets.get_secret_value(SecretId=name)["SecretString"] for name in full]  # noqa: E731
    movements, entered = stack.movements(), secrets()
    changed = source()
    changed["Resources"]["Processor"]["Properties"]["MemorySize"] = 640
    outputs = stack.deploy_between_polls(changed)
    assert outputs == stack.outputs, (outputs, stack.outputs)
    assert stack.movements() == movements
    assert secrets() == entered
    a_sale = len(movements)
    for body, signed in stack.shop.sell("INV-3"):
        assert stack.post(body, signed) == 200
    wait_for("a sale is booked after it", lambda: len(stack.movements()) == a_sale + 1, SOON)


def a_lost_token_is_made_anew(stack):
    """By the processor, which has forgotten it with its process."""
    token = "connections/main/token"
    stack.secrets.delete_secret(SecretId=f"parstock/{STACK}/{token}", ForceDeleteWithoutRecovery=True)
    changed = source()
    changed["Resources"]["Processor"]["Properties"]["MemorySize"] = 576
    stack.deploy_between_polls(changed)
    stack.invoke("Poller")
    wait_for("there is a token again", lambda: stack.has_secret(token), AFTER_A_TICK)


def a_person_connects_disconnects_and_connects(stack):
    """By consent, in place of the custom connection."""
    stack.browser.connect("main", SHOP)
    stack.browser.disconnect("main")
    assert not stack.has_secret("connections/main/credentials")
    stack.browser.connect("main", SHOP)
    assert stack.has_secret("connections/main/token")


def a_person_connects_another_shop(stack):
    """Whose history is read at once."""
    stack.rest()
    before = len(stack.movements())
    stack.browser.connect("second", SECOND_SHOP)
    wait_for("its history is read", lambda: len(stack.movements()) > before, LOAD_MAX)


def without_its_queue_the_webhook_fails(stack):
    """A permission taken away: what Xero sends must not be taken for received."""
    template = source()
    without(template, "WebhookRole", "QueuesHints")
    stack.deploy(template)
    for body, signed in stack.shop.sell("INV-4"):
        assert stack.post(body, signed) >= 500
    stack.deploy(source())


STORIES = (
    an_account_is_connected,
    a_sale_is_booked,
    a_lost_webhook_is_repaired,
    one_digest_is_mailed,
    a_person_signs_in,
    poison_is_buried,
    what_is_given_back_comes_again_soon,
    an_approval_becomes_a_draft,
    a_rejection_stands,
    a_second_deployment_loses_nothing,
    a_lost_token_is_made_anew,
    a_person_connects_disconnects_and_connects,
    a_person_connects_another_shop,
    without_its_queue_the_webhook_fails,
)


def main():
    binaries, program, calls = sys.argv[1:]
    # So that an end from outside leaves nothing running either.
    for ended in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended, lambda number, _: sys.exit(128 + number))
    with contextlib.ExitStack() as under_way:
        shop = under_way.enter_context(contextlib.closing(Shop(program)))
        stand_in = under_way.enter_context(contextlib.closing(StandIn()))
        try:
            stack = Stack(binaries, shop, stand_in)
            for story in STORIES:
                began = time.monotonic()
                story(stack)
                print(f"{story.__name__} {time.monotonic() - began:.0f} s", flush=True)
        except BaseException:
            print(stand_in.said()[-20_000:], stand_in.function_logs(), file=sys.stderr)
            raise
        with open(calls, "w") as file:
            found = demands(stand_in.calls, stand_in.roles)
            json.dump({"demands": found, "physical": stand_in.physical}, file, indent=1)


if __name__ == "__main__":
    main()
