#!/usr/bin/env python3
"""Every request that the tests made of Xero, and every answer of the simulated one, against Xero's specification.

    python3 tests/spec/check.py SPECIFICATIONS EXCHANGES

SPECIFICATIONS is a folder with Xero's published `xero_accounting.yaml` and `xero-identity.yaml`. EXCHANGES is the folder
that XERO_SIM_EXCHANGES named while tests ran. Judged are all requests of our client, requests that a test wrote by hand
where the simulated Xero accepted them, and all answers that arrived.
Exit 0: no violation. Exit 1: each kind of violation is on standard error, with how often it came.
"""

import collections
import json
import pathlib
import sys

from specification import Specification

CLIENT = "parstock-xero/"  # how the user agent of our client begins

# Fields of answers that neither the published specification (16.1.0) nor its examples show, each with its source.
BACKORDERS = "Xero-OpenAPI pull request 830; Xero-Java 18.1.0"
REPEATED = "developer.xero.com, requests and responses: a refused element comes back whole, with its status"
BEHIND = {
    ("Item", "QuantityOnBackOrder"): BACKORDERS,
    ("Item", "QuantityAvailable"): BACKORDERS,
    ("Element", "StatusAttributeString"): REPEATED,
    ("Element", "InvoiceNumber"): REPEATED,
    ("Element", "CreditNoteNumber"): REPEATED,
    ("Element", "PurchaseOrderNumber"): REPEATED,
    ("Element", "ManualJournalID"): REPEATED,
    ("Element", "Narration"): REPEATED,
    ("Element", "Invoice"): REPEATED,
    ("Element", "Amount"): REPEATED,
    ("Element", "Date"): REPEATED,
}
# Xero's answers that the specification declares nowhere, each with its source. Their bodies are not judged.
STATUSES = {
    401: "developer.xero.com, HTTP response codes",
    403: "developer.xero.com, HTTP response codes",
    404: "developer.xero.com, HTTP response codes",
    405: "the simulator's own: HTTP",
    406: "the simulator's own: it has no XML, Xero's default",
    413: "the simulator's own: its limit of a body",
    414: "the simulator's own: its limit of an address",
    429: "developer.xero.com, OAuth 2.0 limits",
    500: "developer.xero.com, HTTP response codes",
    503: "developer.xero.com, HTTP response codes",
}
# What is asked on purpose though the specification says otherwise, of any operation or of one, each with its source.
ON_PURPOSE = {
    "header xero-tenant-id: missing": "developer.xero.com, custom connections: the token names the organisation",
    "PUT /Invoices: query allowBackorders: unknown": "Xero-OpenAPI pull requests 821 and 830",
    "POST /Invoices: query allowBackorders: unknown": "Xero-OpenAPI pull requests 821 and 830",
}
# What is answered otherwise than the specification says: operation and place, each with its source.
NO_ZONE = "developer.xero.com, managing connections: the example's instants have seven digits of a second and no zone"
ANSWERED = {
    ("GET /connections", "body[].createdDateUtc"): NO_ZONE,
    ("GET /connections", "body[].updatedDateUtc"): NO_ZONE,
}
# Paths that the specification lacks, each with its source. Nothing of them is judged.
BEYOND = {
    "POST /connect/revocation": "developer.xero.com, OAuth 2.0, revoking a token",
}
# What tests of the simulated Xero write by hand on purpose: operation and place, each with its source.
BY_HAND = {
    ("PUT /PurchaseOrders", "body.PurchaseOrders[].LineItems[].Quantity"): "that a number as text is taken is what is tried",
    ("GET /Items/{ItemID}", "path ItemID"): "developer.xero.com, Items: by id or code",
    ("GET /Invoices/{InvoiceID}", "path InvoiceID"): "developer.xero.com, Invoices: by id or number",
    ("GET /Items", "query page"): "that it changes nothing is what is tried",
    ("GET /Items", "header if-modified-since"): "developer.xero.com, requests and responses: without an offset",
    ("GET /Contacts", "header if-modified-since"): "developer.xero.com, requests and responses: without an offset",
    ("GET /Invoices", "header if-modified-since"): "developer.xero.com, requests and responses: HTTP's form too",
}


def exchanges(folder):
    """The recorded exchanges. A process that was killed may have left half a last line."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)


def listed(exchange):
    """An exchange whose body is an element without its list, with the list around it; itself otherwise.

    developer.xero.com, the examples of writes: a single element may come so.
    """
    collection, *below = exchange["path"].removeprefix("/api.xro/2.0/").split("/")
    try:
        element = json.loads(exchange["body"])
    except ValueError:
        return exchange
    if len(below) > 1 or not isinstance(element, dict) or collection in element:
        return exchange
    return {**exchange, "body": json.dumps({collection: [element]})}


class Tally:
    """Counts what was judged, and what was wrong."""

    def __init__(self):
        self.judged = collections.Counter()
        self.violations = collections.Counter()
        self.examples = {}

    def take(self, who, operation, problems, exchange):
        self.judged[who] += 1
        for problem in problems:
            kind = f"{who}: {operation}: {problem}"
            self.violations[kind] += 1
            self.examples.setdefault(kind, f"{exchange['method']} {exchange['path']}?{exchange['query']}"[:200])


def beside(known, operation, problems):
    """The problems of an operation without those at places that are known."""
    return [one for one in problems if (operation.name, one.split(":")[0]) not in known]


def judge(specifications, exchange, tally):
    """Judges the two halves of an exchange."""
    answer = exchange["answer"]
    is_ours = exchange["headers"].get("user-agent", "").startswith(CLIENT)
    who = "requests of the client" if is_ours else "requests by hand"
    judges_request = is_ours or (answer is not None and answer["status"] < 300)
    if f"{exchange['method']} {exchange['path']}" in BEYOND:
        tally.judged["beyond it, not judged"] += 1
        return
    specification = next(one for one in specifications if exchange["path"].startswith(one.base))
    try:
        operations = specification.operations(exchange["method"], exchange["path"])
    except LookupError as error:
        if judges_request:
            tally.take(who, exchange["method"], [str(error)], exchange)
        elif answer is not None and answer["status"] not in STATUSES:
            tally.take("answers", exchange["method"], [f"{answer['status']} where there is {error}"], exchange)
        return
    # Two paths may fit, such as an order's id and its number: the one with fewer problems is meant.
    sent = exchange if is_ours else listed(exchange)
    given = (sent["query"], sent["headers"], sent["body"])
    tried = [(specification.request_problems(one, values, *given), one) for one, values in operations]
    problems, operation = min(tried, key=lambda one: len(one[0]))
    if judges_request:
        problems = [one for one in problems if not {one, f"{operation.name}: {one}"} & set(ON_PURPOSE)]
        if not is_ours:
            problems = beside(BY_HAND, operation, problems)
        tally.take(who, operation.name, problems, exchange)
    if answer is not None and answer["status"] not in STATUSES:
        problems = specification.answer_problems(operation, answer["status"], answer["is_json"], answer["body"])
        tally.take("answers", operation.name, beside(ANSWERED, operation, problems), exchange)


def read(folder):
    """Xero's specifications, the narrower base first."""
    accounting = (folder / "xero_accounting.yaml").read_text(encoding="utf-8")
    identity = (folder / "xero-identity.yaml").read_text(encoding="utf-8")
    # Xero's pages and its own libraries write this path in lower case.
    identity = identity.replace("/Connections", "/connections")
    return [Specification(accounting, "/api.xro/2.0", BEHIND), Specification(identity, "/")]


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    specifications = read(pathlib.Path(arguments[0]))
    tally = Tally()
    for exchange in exchanges(pathlib.Path(arguments[1])):
        judge(specifications, exchange, tally)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(tally.judged.items()))
    print(f"{counts or 'nothing'} held against Xero's specification: {tally.violations.total()} violations")
    for kind, count in tally.violations.most_common():
        print(f"{count} x {kind}, as in {tally.examples[kind]}", file=sys.stderr)
    # Without a request of our client nothing was tried, which is no success.
    return 1 if tally.violations or not tally.judged["requests of the client"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
