#!/usr/bin/env python3
"""The check against Xero's specification notices what it should: each rule is broken once.

    python3 tests/spec/test_check.py
"""

import contextlib
import copy
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock

import check
import plain_yaml
from specification import Specification, SpecificationError

SPECIFICATION = """
openapi: 3.0.0
paths:
  /Orders:
    parameters:
      - $ref: "#/components/parameters/tenant"
    get:
      parameters:
        - {in: query, name: page, schema: {type: integer}}
        - {in: query, name: Status, schema: {type: string, enum: [DRAFT, BILLED]}}
        - {in: query, name: IDs, explode: false, schema: {type: array, items: {type: string, format: uuid}}}
        - in: header
          name: If-Modified-Since
          schema: {type: string, format: date-time}
      responses:
        "200":
          description: Orders,
            in pages
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Orders"}
              example: {Id: e0, Orders: [{Number: A, DateString: "2026-03-02T00:00:00"}]}
    put:
      parameters:
        - {in: header, name: Idempotency-Key, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Orders"}
      responses:
        "200":
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Orders"}
  /Orders/{OrderID}:
    get:
      parameters:
        - {in: path, name: OrderID, required: true, schema: {type: string, format: uuid}}
      responses:
        "200":
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Orders"}
  /Orders/{OrderID}/pdf:
    get:
      x-path: /Orders/{OrderID}
      parameters:
        - {in: path, name: OrderID, required: true, schema: {type: string, format: uuid}}
      responses:
        "200": {content: {application/pdf: {schema: {type: string, format: binary}}}}
components:
  parameters:
    tenant: {in: header, name: xero-tenant-id, required: true, schema: {type: string}}
  schemas:
    Orders:
      type: object
      properties:
        Orders: {type: array, items: {$ref: "#/components/schemas/Order"}}
    Error: {type: object, properties: {ErrorNumber: {type: integer}, Elements: {type: array, items: {type: object}}}}
    Order:
      type: object
      required: [Number]
      properties:
        Number: {type: string, maxLength: 5}
        Date: {type: string, x-is-msdate: true}
        Status: {type: string, enum: [DRAFT, BILLED]}
        Quantity: {type: number, format: double}
        Sent: {type: boolean}
        Total: {type: number, readOnly: true}
"""
ID = "b2c885a9-4bb9-4a00-9b6e-6c2bf60b1a2b"
BASE = "/api.xro/2.0"
ORDER = {"Number": "A", "Date": "2026-03-02", "Status": "DRAFT", "Quantity": 1.5, "Sent": False}
ANSWERED = {**ORDER, "Date": "/Date(1772409600000+0000)/", "Total": 3, "DateString": "2026-03-02T00:00:00"}


def orders(*several):
    return json.dumps({"Orders": several})


def exchange(method="GET", path="/Orders", query="", headers=(), body="", status=200, answer=orders(ANSWERED)):
    """An exchange of our client, right unless told otherwise."""
    told = {"user-agent": "parstock-xero/0.1.0", "content-type": "application/json", **dict(headers)}
    return {
        "method": method,
        "path": BASE + path,
        "query": query,
        "headers": told,
        "body": body,
        "answer": {"status": status, "is_json": True, "body": answer},
    }


def by_hand(one):
    """The same, written by a test instead of sent by our client."""
    one = copy.deepcopy(one)
    del one["headers"]["user-agent"]
    return one


def violations(one):
    """What is wrong with an exchange, without where it is."""
    tally = check.Tally()
    check.judge([Specification(SPECIFICATION, BASE)], one, tally)
    return [kind.split(": ", 2)[2] for kind in tally.violations]


class Right(unittest.TestCase):
    def test_what_the_specification_allows_is_no_violation(self):
        for one in [
            exchange(),
            exchange(query=f"page=1&Status=BILLED&IDs={ID},{ID}"),
            exchange(headers={"if-modified-since": "2026-03-02T01:00:00Z"}),
            exchange(path=f"/Orders/{ID}"),
            exchange(answer=json.dumps({"Id": "e1", "Orders": []})),
            exchange("PUT", body=orders(ORDER), headers={"idempotency-key": "k"}),
        ]:
            with self.subTest(one):
                self.assertEqual(violations(one), [])

    def test_answers_that_xero_documents_elsewhere_are_not_judged(self):
        self.assertEqual(violations(exchange(status=429, answer="")), [])

    def test_an_operation_is_looked_for_where_it_is_served_and_told_by_what_it_answers(self):
        printed = exchange(path=f"/Orders/{ID}", headers={"accept": "application/pdf"})
        printed["answer"].update(is_json=False, body="%PDF-1.4")
        self.assertEqual(violations(printed), [])
        self.assertEqual(violations(exchange(path=f"/Orders/{ID}/pdf")), ["no such path: Orders with 3 parts"])
        as_text = exchange(headers={"accept": "text/csv"})
        self.assertEqual(violations(as_text), ["header accept: 'text/csv' has none of ['application/json']"])

    def test_an_element_without_its_list_is_taken_by_hand_alone(self):
        single = exchange("PUT", body=json.dumps(ORDER))
        self.assertEqual(violations(by_hand(single)), [])
        self.assertIn("body.Number: unknown in Orders", violations(single))
        wrong = exchange("PUT", body=json.dumps({**ORDER, "Colour": "red"}))
        self.assertEqual(violations(by_hand(wrong)), ["body.Orders[].Colour: unknown in Order"])

    def test_a_path_that_the_specification_lacks_is_known_by_its_source(self):
        lacking = {**exchange("POST", body="token=x"), "path": "/connect/revocation"}
        self.assertEqual(violations(lacking), [])

    def test_what_tests_ask_by_hand_on_purpose_is_told_by_its_place(self):
        by_number = exchange(path="/Orders/A-1")
        with unittest.mock.patch.dict(check.BY_HAND, {("GET /Orders/{OrderID}", "path OrderID"): "a test"}):
            self.assertEqual(violations(by_hand(by_number)), [])
            self.assertEqual(violations(by_number), ["path OrderID: 'A-1' is no uuid"])

    def test_what_is_answered_otherwise_on_purpose_is_told_by_its_place(self):
        otherwise = exchange(answer=orders({**ANSWERED, "Quantity": "1.5"}))
        place = "body.Orders[].Quantity"
        self.assertEqual(violations(otherwise), [f'{place}: "1.5" is no number'])
        with unittest.mock.patch.dict(check.ANSWERED, {("GET /Orders", place): "a test"}):
            self.assertEqual(violations(otherwise), [])

    def test_a_wrong_request_that_was_refused_counts_only_if_our_client_sent_it(self):
        wrong = exchange(query="colour=red", status=404)
        self.assertEqual(violations(wrong), ["query colour: unknown"])
        self.assertEqual(violations(by_hand(wrong)), [])
        accepted = exchange(query="colour=red")
        self.assertEqual(violations(by_hand(accepted)), ["query colour: unknown"])


class Wrong(unittest.TestCase):
    def test_each_broken_rule_of_a_request_is_noticed(self):
        for one, wrong in [
            (exchange(path="/Colours"), "no such path: Colours with 1 parts"),
            (exchange("DELETE"), "DELETE is not among the methods of /Orders"),
            (exchange(path="/Orders/A-1"), "path OrderID: 'A-1' is no uuid"),
            (exchange(query="colour=red"), "query colour: unknown"),
            (exchange(query="Page=1"), "query Page: unknown"),
            (exchange(query="page=one"), "query page: 'one' is no integer"),
            (exchange(query="page=1.5"), "query page: 1.5 is no integer"),
            (exchange(query="page=1&page=2"), "query page: comes twice"),
            (exchange(query="Status=SENT"), "query Status: 'SENT' is not among the values"),
            (exchange(query=f"IDs={ID},x"), "query IDs: 'x' is no uuid"),
            (exchange(headers={"if-modified-since": "yesterday"}), "header if-modified-since: 'yesterday' is no date-time"),
            (exchange(headers={"idempotency-key": "k"}), "header idempotency-key: unknown"),
            (exchange("PUT"), "body: missing"),
            (exchange(body=orders()), "body: not declared"),
            (exchange("PUT", body="{"), "body: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            (exchange("PUT", body='{"Orders": [], "Orders": []}'), "body: a name comes twice in an object"),
            (
                exchange("PUT", body=orders(), headers={"content-type": "text/xml"}),
                "header content-type: 'text/xml' is not among ['application/json']",
            ),
        ]:
            with self.subTest(wrong):
                self.assertEqual(violations(one), [wrong])

    def test_each_broken_rule_of_a_body_is_noticed(self):
        place = "body.Orders[]"
        for change, wrong in [
            ({"Colour": "red"}, f"{place}.Colour: unknown in Order"),
            ({"DateString": "x"}, f"{place}.DateString: unknown in Order"),  # examples show what is answered, not what is sent
            ({"Number": 7}, f"{place}.Number: 7 is no string"),
            ({"Number": None}, f"{place}.Number: null is no string"),
            ({"Number": "A-1234"}, f"{place}.Number: longer than 5"),
            ({"Status": "SENT"}, f"{place}.Status: 'SENT' is not among the values"),
            ({"Date": "2026-02-30"}, f"{place}.Date: '2026-02-30' is no date as it is sent"),
            ({"Quantity": "1.5"}, f'{place}.Quantity: "1.5" is no number'),
            ({"Quantity": True}, f"{place}.Quantity: true is no number"),
            ({"Sent": "false"}, f'{place}.Sent: "false" is no boolean'),
            ({"Total": 3}, f"{place}.Total: read-only"),
        ]:
            with self.subTest(wrong):
                self.assertEqual(violations(exchange("PUT", body=orders({**ORDER, **change}))), [wrong])
        without = {name: value for name, value in ORDER.items() if name != "Number"}
        self.assertEqual(violations(exchange("PUT", body=orders(without))), [f"{place}.Number: missing"])

    def test_a_wrong_answer_is_noticed_whoever_asked(self):
        for one, wrong in [
            (exchange(answer=orders({**ANSWERED, "Colour": "red"})), "body.Orders[].Colour: unknown in Order"),
            (
                exchange(answer=orders({**ANSWERED, "Date": "2026-03-02"})),
                "body.Orders[].Date: '2026-03-02' is no date as it is answered",
            ),
            (exchange(answer='{"Status": "OK"}'), "body.Status: unknown in Orders"),
            (exchange(status=202), "status 202: not declared"),
            (exchange(status=400, answer='{"ErrorNumber": "16"}'), 'body.ErrorNumber: "16" is no integer'),
        ]:
            with self.subTest(wrong):
                self.assertEqual(violations(one), [wrong])
                self.assertEqual(violations(by_hand(one)), [wrong])

    def test_a_required_header_is_missed_unless_that_is_on_purpose(self):
        specification = Specification(SPECIFICATION, BASE)
        [(operation, values)] = specification.operations("GET", BASE + "/Orders")
        problems = specification.request_problems(operation, values, "", {}, "")
        self.assertEqual(problems, ["header xero-tenant-id: missing"])
        self.assertTrue(set(problems) <= set(check.ON_PURPOSE))


class Whole(unittest.TestCase):
    """The command over files."""

    def run_over(self, lines):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "xero_accounting.yaml").write_text(SPECIFICATION, encoding="utf-8")
            (folder / "xero-identity.yaml").write_text("paths: {}\n", encoding="utf-8")
            (folder / "1.jsonl").write_text(lines, encoding="utf-8")
            told = io.StringIO()
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                code = check.main([folder, folder])
            return code, told.getvalue()

    def test_a_planted_violation_turns_it_red(self):
        right = json.dumps(exchange()) + "\n"
        code, told = self.run_over(right)
        self.assertEqual((code, told), (0, "1 answers, 1 requests of the client held against Xero's specification: 0 violations\n"))
        planted = json.dumps(exchange(query="colour=red")) + "\n"
        code, told = self.run_over(right + planted + planted)
        self.assertEqual(code, 1)
        self.assertIn("2 x requests of the client: GET /Orders: query colour: unknown", told)

    def test_nothing_recorded_is_no_success(self):
        self.assertEqual(self.run_over("")[0], 1)

    def test_the_half_line_of_a_killed_process_is_passed_over(self):
        self.assertEqual(self.run_over(json.dumps(exchange()) + "\n" + '{"method": "GE')[0], 0)

    def test_a_word_that_is_not_judged_is_refused_instead_of_passed_over(self):
        with self.assertRaises(SpecificationError):
            Specification(SPECIFICATION.replace("maxLength: 5", "pattern: A"), BASE)


class Yaml(unittest.TestCase):
    def test_the_forms_of_the_specification_are_read(self):
        text = """
# a comment
plain: one
  and two
again: one # a comment
quoted: "a: \\u00fc # b"
single: 'it''s'
number: [1, -2.5, '3']
words: {yes: true, none: null, empty: ""}
literal: |
  first
    second
folded: >-
  one
  two
list:
- a: 1
  b:
    - - x
- plain: 2026-03-02
"404": no
nothing:
"""
        self.assertEqual(
            plain_yaml.read(text),
            {
                "plain": "one and two",
                "again": "one",
                "quoted": "a: ü # b",
                "single": "it's",
                "number": [1, -2.5, "3"],
                "words": {"yes": True, "none": None, "empty": ""},
                "literal": "first\n  second\n",
                "folded": "one two",
                "list": [{"a": 1, "b": [["x"]]}, {"plain": "2026-03-02"}],
                "404": "no",
                "nothing": None,
            },
        )

    def test_what_is_beyond_them_is_refused(self):
        for text in ["a: &x 1", "a: *x", "a: !t 1", "? a", "a: 1\na: 2", "a: 1\n   b: 2", "a: b\n  c # d", "a:\n\tb: 1", '"a', "a: [1", "- a\nb: 1"]:
            with self.subTest(text), self.assertRaises(plain_yaml.YamlError):
                plain_yaml.read(text)


if __name__ == "__main__":
    unittest.main()
