#!/usr/bin/env python3
"""The console in a real browser: what its pages say is what the store holds, and only what may act does.

    python3 tests/browser/check.py [PARSTOCK]

PARSTOCK is the built binary, target/debug/parstock unless given. It runs the demo company in an empty folder for a few
days. Screenshots of every page at a phone's and a screen's width go to tests/browser/screenshots.
Exit 0: all is well. Exit 1: what is not is on standard error.
"""

import contextlib
import datetime
import http.client
import json
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from decimal import Decimal

from webdriver import BrowserError, browser, missing_programs

HERE = pathlib.Path(__file__).resolve().parent
BINARY = HERE.parent.parent / "target" / "debug" / "parstock"
SCREENSHOTS = HERE / "screenshots"
WIDTHS = (390, 1280)
DAYS = 3
READY_SECONDS_MAX = 900  # the demo's history is written and read first
ORDER_SECONDS_MAX = 60
STEADY_TRIES_MAX = 10  # time goes on in the demo: a figure may change between the store's answer and the page


class Failure(Exception):
    """Something is not as it should be."""


def expect(holds, what):
    if not holds:
        raise Failure(what)


def same(shown, stored, what):
    expect(shown == stored, f"{what}: the page shows {shown!r}, the store holds {stored!r}")


def number(text):
    """A figure as people read it, such as `$1,204.00` or `-2`; None for one that is not known."""
    found = re.search(r"-?[\d,]+(?:\.\d+)?", text.replace("\u2212", "-"))
    return Decimal(found.group().replace(",", "")) if found else None


def decimal(text):
    return None if text is None else Decimal(text)


class Product:
    """`parstock run` in a folder of its own, and the other commands beside it."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.said = binary, folder, []
        command = [binary, "run", "--data", folder, "--days", str(DAYS), "--pace", "full"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip())

    def wait_for(self, pattern):
        """What the product says, once it does."""
        ends = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < ends:
            for line in list(self.said):
                if found := re.search(pattern, line):
                    return found
            expect(self.process.poll() is None, "parstock ended:\n" + "\n".join(self.said[-20:]))
            time.sleep(0.2)
        raise Failure(f"parstock did not say /{pattern}/ within {READY_SECONDS_MAX} s:\n" + "\n".join(self.said[-20:]))

    def ledger(self, today):
        """What each item's movements up to a day come to, and which items have later ones."""
        sums, ahead = {}, set()
        store = pathlib.Path(self.folder, "store.sqlite").resolve().as_uri() + "?mode=ro"
        with contextlib.closing(sqlite3.connect(store, uri=True)) as connection:
            for (text,) in connection.execute("SELECT item_json FROM parstock WHERE sk LIKE 'S:M#%'"):
                row = json.loads(json.loads(text)["row"]["S"])
                item, quantity = row["item"], Decimal(row["quantity"])
                if row["key"]["effective_on"] > today:
                    ahead.add(item)
                    continue
                for side, sign in (("to", 1), ("from", -1)):
                    if isinstance(row[side], dict) and "stock" in row[side]:
                        sums[item] = sums.get(item, Decimal(0)) + sign * quantity
        return sums, ahead

    def ask(self, *words):
        """The JSON answer of a command, which goes through the running process."""
        command = [self.binary, *words, "--data", self.folder, "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        expect(done.returncode in (0, 1), f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure("parstock did not end on Ctrl-C") from None


class Check:
    """The steps, in the order of a first visit."""

    def __init__(self, product, page, address, user, password):
        self.product, self.page = product, page
        self.address, self.user, self.password = address, user, password
        self.root = None

    def steadily(self, words, look):
        """Compares a page with the store's answer, again while the answer itself changes."""
        for _ in range(STEADY_TRIES_MAX):
            before = self.product.ask(*words)
            problem = None
            try:
                seen = look(before)
            except Failure as failure:
                problem = failure
            if before == self.product.ask(*words):
                if problem:
                    raise problem
                return seen
        raise Failure(f"`parstock {' '.join(words)}` never answered twice the same")

    def go(self, path):
        self.page.go(self.root + path)
        if self.page.elements("body.bare"):
            raise Failure(f"{path} is no page of the console: {self.page.text()!r}")

    def shoot(self, name):
        """Screenshots at both widths; no page may be wider than its window."""
        for width in WIDTHS:
            self.page.width(width)
            self.page.screenshot(SCREENSHOTS / f"{name}-{width}.png")
            wider = self.page.sideways()
            expect(wider <= 0, f"{name} is {wider} pixels wider than a window of {width}")

    def request(self, method, path, form=None, headers=None):
        """A request without the browser, with its session: the status and where it leads."""
        cookies = self.page.call("GET", "/cookie")
        sent = {"Cookie": "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies), **(headers or {})}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        at = urllib.parse.urlsplit(self.root + path)
        with contextlib.closing(http.client.HTTPConnection(at.hostname, at.port, timeout=30)) as connection:
            connection.request(method, f"{at.path}?{at.query}" if at.query else at.path, body, sent)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers

    def sign_in(self):
        self.page.width(WIDTHS[1])
        self.page.go(self.address)
        expect(self.page.url().endswith("/sign-in"), f"a stranger is led to {self.page.url()}")
        self.shoot("sign-in")
        self.send_password("not the password")
        expect("are wrong" in self.page.text(), "a wrong password is not refused")
        expect(not self.page.elements("nav"), "a stranger sees the pages' menu")
        self.page.go(f"{self.address}/sign-in?next=" + urllib.parse.quote("https://elsewhere.example/"))
        same(self.page.element("input[name=next]").attribute("value"), "/", "where a link from elsewhere leads")
        self.send_password(self.password)
        self.root, positions, _ = self.page.url().partition("/positions")
        expect(positions, f"signing in leads to {self.page.url()}")
        self.page.follow("form.out button")
        status, headers = self.request("GET", "/positions")
        expect(status == 303 and "/sign-in?next=" in headers["Location"], f"a stranger's positions answer {status}")
        # as a link in a mail does
        self.page.go(self.root + "/reviews?from=mail")
        self.send_password(self.password)
        expect(self.page.url().endswith("/reviews?from=mail"), f"signing in leads to {self.page.url()}")
        cookie = self.page.call("GET", "/cookie")[0]
        expect(cookie["httpOnly"] and cookie["sameSite"] == "Lax", f"the session's cookie is too open: {cookie}")
        for path in ("/positions?page=x", "/items/none", "/proposals/none", "/digests/none"):
            status, headers = self.request("GET", path)
            expect(status == 400 and "text/html" in headers["Content-Type"], f"{path} answers {status} without a page")

    def send_password(self, password):
        self.page.element("#user").write(self.user)
        self.page.element("#password").write(password)
        self.page.follow("form button")

    def positions(self):
        """Every position of the console equals the store's; returns an item worth a closer look."""

        def look(stored):
            shown = {}
            self.page.width(WIDTHS[1])
            self.go("/positions")
            while True:
                for item, *cells in self.page.rows("table.cards tbody tr"):
                    shown[item.split(" ")[0]] = cells
                if not self.page.elements("a[rel=next]"):
                    break
                self.page.follow("a[rel=next]")
            same(sorted(shown), sorted(row["code"] for row in stored), "the items")
            for row in stored:
                _, on_hand, committed, available, on_order, cover, _ = shown[row["code"]]
                code = row["code"]
                same(number(on_hand), decimal(row["on_hand"]), f"{code} on hand")
                same(number(committed), decimal(row["committed"]), f"{code} committed")
                same(number(available), decimal(row["available"]), f"{code} available")
                same(number(on_order.split(" + ")[0]), decimal(row["on_order"]), f"{code} on order")
                if row["cover_days"] is not None and "day" in cover:
                    same(number(cover.split(" ")[0]), row["cover_days"], f"{code} cover")
            self.equals_the_ledger(stored)
            return stored

        stored = self.steadily(["positions"], look)
        expect(len(stored) >= 50, f"only {len(stored)} items")
        self.go("/positions")
        self.shoot("positions")
        self.go("/positions?q=" + urllib.parse.quote(stored[0]["code"]))
        found = [link.text() for link in self.page.elements("table.cards tbody th a")]
        expect(stored[0]["code"] in found, f"searching {stored[0]['code']} finds {found}")
        self.go("/positions?at=2026-05-31")
        expect(len(self.page.rows("table.cards tbody tr")) >= 50, "the positions of an older day are missing")
        counted = [row for row in stored if row["on_hand"] is not None]
        return next((row for row in counted if row["standing"] in ("low", "out")), counted[0])

    def equals_the_ledger(self, stored):
        """On hand is the sum of the movements, read past parstock out of the very rows of its store."""
        polled_at = datetime.datetime.fromisoformat(self.product.ask("health")["polled_at"])
        today = (polled_at + datetime.timedelta(hours=10)).date().isoformat()  # the demo company is in Australia
        sums, ahead = self.product.ledger(today)
        equal = 0
        for row in stored:
            if row["on_hand"] is None or row["item"] in ahead:
                continue
            if sums.get(row["item"], Decimal(0)) == Decimal(row["on_hand"]):
                equal += 1
            else:
                # of a tracked item Xero's own figure may be ahead of the documents read so far
                expect(self.product.ask("item", row["code"])["tracked"],
                       f"{row['code']}: {row['on_hand']} on hand, the movements come to {sums.get(row['item'])}")
        expect(equal >= 30, f"only {equal} items have what their movements come to")

    def item(self, item):
        def look(stored):
            self.page.width(WIDTHS[1])
            self.go(f"/items/{item['item']}")
            figures = {}
            for box in self.page.elements("dl.figures > div"):
                name, value = (box.all(part)[0].text() for part in ("dt", "dd"))
                figures[name] = number(value.split(" + ")[0])
            for name, key in (("On hand", "on_hand"), ("Committed", "committed"), ("On order", "on_order"), ("Value", "value")):
                exact = decimal(stored[key])
                if name == "Value":
                    exact = exact.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
                same(figures[name], exact, f"{stored['code']} {name}")
            rows = self.page.rows("table.movements tbody tr")
            same(len(rows), len(stored["movements"]), f"{stored['code']} movements")
            for row, movement in zip(rows, stored["movements"]):
                for column, key in ((4, "change"), (6, "after")):
                    same(number(row[column]), decimal(movement[key]), f"{stored['code']} {movement['number']} {key}")
                expect(movement["number"] in row[1], f"{movement['number']} is not named in {row[1]!r}")
            if stored["plan"]:
                expect(stored["plan"]["reason"] in self.page.text(), f"{stored['code']}: the plan's reason is not shown")

        self.steadily(["item", item["code"]], look)
        expect(self.page.elements("figure.chart svg"), "the item has no chart")
        self.shoot("item")
        self.card(item)

    def card(self, item):
        """The card that closes at the end of a day is the one that the command folds."""

        def look(stored):
            self.go(f"/items/{item['item']}?at=2026-05-31")
            rows = self.page.rows("table.movements tbody tr")
            lines = stored["lines"][-len(rows):]
            expect(rows and len(rows) <= len(stored["lines"]), f"{stored['code']}: the card of an older day is empty")
            for row, line in zip(rows, reversed(lines)):
                same(number(row[6]), decimal(line["after"]), f"{stored['code']} {line['number']} after")
            said = self.page.elements("p.at strong")[0].text()
            same(number(said), decimal(stored["quantity"]), f"{stored['code']} at the end of the day")

            layers = [(number(row[0]), number(row[1])) for row in self.page.rows("table.layers tbody tr")]
            stored = [(decimal(layer["quantity"]), decimal(layer["cost"]).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")) for layer in stored["layers"]]
            same(layers, stored, "the cost layers")

        self.steadily(["ledger", "--item", item["code"], "--at", "2026-05-31"], look)

    def count(self):
        """An item that nobody has counted is counted by the form, and then has a quantity."""
        item = next(row for row in self.product.ask("positions") if row["on_hand"] is None)
        self.page.width(WIDTHS[1])
        path = f"/items/{item['item']}"
        self.go(path)
        csrf = self.page.element("form[action$='/count'] input[name=csrf]").attribute("value")
        day = self.page.element("#as_of").attribute("value")
        form = {"csrf": csrf, "as_of": day, "quantity": "-1", "unit_cost": ""}
        for wrong, answer in (({}, 409), ({"quantity": ""}, 409), ({"quantity": "1", "csrf": "x"}, 403)):
            status, _ = self.request("POST", f"{path}/count", {**form, **wrong})
            expect(status == answer, f"a count with {wrong or 'less than nothing'} answers {status}")
        expect(self.product.ask("item", item["code"])["on_hand"] is None, "a refused count was booked")
        ends = time.monotonic() + ORDER_SECONDS_MAX
        # the work of the moment may hold the organisation
        while True:
            self.go(path)
            self.page.element("#quantity").type("12")
            self.page.element("#unit_cost").type("2.50")
            self.page.follow("form[action$='/count'] button")
            if self.page.url().endswith(path) and "not counted" not in self.page.text() or time.monotonic() > ends:
                break
            time.sleep(2)
        stored = self.product.ask("item", item["code"])
        same(decimal(stored["on_hand"]), decimal("12"), "what was counted")
        self.shoot("count")

    def proof(self):
        """The page of the daily proof shows the differences that are kept."""

        def look(stored):
            self.go("/health")
            self.page.follow("a[href$='/proof']")
            shown = [(row[0], number(row[2])) for row in self.page.rows("table.differences tbody tr")]
            cents = Decimal("0.01")
            wanted = [(row["named"], decimal(row["value"]).quantize(cents, rounding="ROUND_HALF_UP"))
                      for row in stored["differences"]]
            same(shown, wanted, "the differences of the proof")

        self.steadily(["reconcile"], look)
        self.shoot("proof")

    def proposals(self):
        """The list equals the store's; returns an open proposal."""

        def look(stored):
            self.page.width(WIDTHS[1])
            self.go("/proposals")
            shown = {}
            for row in self.page.elements("table.cards tbody tr"):
                link = row.all("a")[0]
                state, total, lines, *_ = (cell.text() for cell in row.all("td"))
                shown[link.attribute("href").rsplit("/", 1)[1]] = (link.text(), state, number(total), int(lines))
            wanted = {row["proposal"]: (row["supplier"], row["state"], Decimal(row["total"]), row["lines"]) for row in stored}
            same(shown, {id: wanted[id] for id in shown}, "the proposals")
            still_open = {id for id in wanted if wanted[id][1] == "open"}
            expect(still_open <= set(shown), "an open proposal is not listed")
            return [row for row in stored if row["state"] == "open"]

        still_open = self.steadily(["proposals"], look)
        expect(still_open, "no proposal is open, so nothing can be decided")
        self.shoot("proposals")
        return still_open[0]["proposal"]

    def state_of(self, proposal):
        return next(row["state"] for row in self.product.ask("proposals") if row["proposal"] == proposal)

    def refused(self, proposal):
        """What must not decide: a GET, a wrong token, another site's form, contents that were not shown."""
        path = f"/proposals/{proposal}"
        self.go(path)
        form = {
            name: self.page.element(f"form[action$='/approve'] input[name={name}]").attribute("value")
            for name in ("csrf", "contents")
        }
        for action in ("approve", "reject"):
            status, _ = self.request("GET", f"{path}/{action}")
            expect(status == 405, f"GET {action} answers {status}")
        status, _ = self.request("POST", f"{path}/approve", {**form, "csrf": "wrong"})
        expect(status == 403, f"a wrong token answers {status}")
        status, _ = self.request("POST", f"{path}/approve", form, {"Origin": "https://elsewhere.example"})
        expect(status == 403, f"another site's form answers {status}")
        status, _ = self.request("POST", f"{path}/approve", {**form, "contents": "0" * 64})
        expect(status == 409, f"contents that were not shown answer {status}")
        same(self.state_of(proposal), "open", "after all refusals")

    def approve(self, proposal):
        """The form's button makes the order."""

        def look(stored):
            self.page.width(WIDTHS[1])
            self.go(f"/proposals/{proposal}")
            lines = [head.text() for head in self.page.elements("section.line .line-head")]
            same(len(lines), len(stored["lines"]), "the proposal's lines")
            for text, line in zip(lines, stored["lines"]):
                expect(line["code"] in text, f"{line['code']} is not in {text!r}")
                ordered = re.search(r"Order ([\d,.]+) at \D*([\d,.]+) =", text)
                expect(ordered, f"no order in {text!r}")
                same(number(ordered.group(1)), Decimal(line["quantity"]), f"{line['code']} ordered")
                same(number(ordered.group(2)), Decimal(line["unit_price"]), f"{line['code']} price")
            same(
                self.page.element("form[action$='/approve'] input[name=contents]").attribute("value"),
                stored["contents"], "the contents' hash",
            )

        self.steadily(["approve", proposal], look)
        self.shoot("proposal-open")
        self.refused(proposal)
        self.go(f"/proposals/{proposal}")
        self.page.follow("form[action$='/approve'] button")
        ends = time.monotonic() + ORDER_SECONDS_MAX
        state = self.state_of(proposal)
        expect(state in ("approved", "ordered"), f"after Approve the proposal is {state}: {self.page.text()}")
        while state == "approved" and time.monotonic() < ends:
            time.sleep(0.5)
            state = self.state_of(proposal)
        same(state, "ordered", f"{ORDER_SECONDS_MAX} s after Approve")
        self.go(f"/proposals/{proposal}")
        expect("ordered" in self.page.element(".lead .badge").text(), "the page does not say that it is ordered")
        expect(not self.page.elements("form[action$='/approve']"), "an ordered proposal can be approved again")
        self.shoot("proposal-ordered")

    def landed(self):
        """Freight of a bill is spread over its goods as the preview says, and taken back."""
        waiting = self.product.ask("landed", "list")["to_spread"]
        expect(waiting, "no freight waits to be spread")
        bill = waiting[-1]["bill"]
        self.page.width(WIDTHS[1])
        self.go("/landed")
        self.shoot("landed")
        self.page.width(WIDTHS[1])
        self.page.follow(f"a[aria-label='Spread {bill}']")
        self.shoot("landed-form")
        self.page.width(WIDTHS[1])
        status, _ = self.request("GET", "/landed/preview")
        expect(status in (400, 405), f"GET of a preview answers {status}")
        self.page.follow("form[action$='/landed/preview'] button")
        expect("What the voucher would do" in self.page.text(), f"no preview: {self.page.text()}")
        self.shoot("landed-preview")
        self.page.width(WIDTHS[1])
        spread = number(self.page.element(".lead .big").text())
        self.page.follow("form[action$='/landed'] button")
        number_of = self.page.url().rsplit("/", 1)[1]
        voucher = self.voucher(number_of, "booked")
        taken = sum(Decimal(share["amount"]) for share in voucher["shares"])
        same(spread, taken, "the voucher's shares")
        self.go(f"/landed/{number_of}")
        self.shoot("voucher")
        self.page.width(WIDTHS[1])
        self.page.element("#reason").write("the check is over")
        self.page.follow("form[action$='/take-back'] button")
        self.voucher(number_of, "taken_back")
        expect(any(it["bill"] == bill for it in self.product.ask("landed", "list")["to_spread"]), "its freight is not free again")

    def voucher(self, number_of, stage):
        """The voucher, once it is in this stage."""
        ends = time.monotonic() + ORDER_SECONDS_MAX
        while True:
            stored = self.product.ask("landed", "list")["vouchers"]
            voucher = next(it for it in stored if it["number"] == number_of)
            if voucher["stage"] == stage or time.monotonic() > ends:
                same(voucher["stage"], stage, f"voucher {number_of} after {ORDER_SECONDS_MAX} s")
                return voucher
            time.sleep(0.5)

    def prices(self):
        """A price that is chosen is decided as it was shown."""
        stored = self.product.ask("prices", "list")
        expect(stored, "no price waits for a decision")
        self.page.width(WIDTHS[1])
        self.go("/prices")
        same(len(self.page.elements("input[name=price]")), len(stored), "the prices")
        expect(stored[0]["code"] in self.page.text(), f"{stored[0]['code']} is not listed")
        self.shoot("prices")
        self.page.width(WIDTHS[1])
        csrf = self.page.element("form[action$='/prices'] input[name=csrf]").attribute("value")
        shown = {"csrf": csrf, "decision": "approve", "price": f"{stored[0]['item']}:0.01"}
        status, _ = self.request("POST", "/prices", shown)
        expect(status == 409, f"a price that was not shown answers {status}")
        self.page.follow("form[action$='/prices'] button[value=approve]")
        ends = time.monotonic() + ORDER_SECONDS_MAX
        while self.product.ask("prices", "list") and time.monotonic() < ends:
            time.sleep(0.5)
        same(self.product.ask("prices", "list"), [], "the prices that wait")

    def receipts(self):
        """What is to come of an order is taken in as the form says, and taken back; far too much waits and is refused."""
        to_come = self.product.ask("receipts", "list")["to_come"]
        expect(to_come, "no order is to come")
        order = to_come[-1]["order"]
        self.page.width(WIDTHS[1])
        self.go("/receipts")
        same(len(self.page.elements("a[href*='/receipts/new']")), len(to_come), "the orders to come")
        self.shoot("receipts")
        self.page.width(WIDTHS[1])
        lines = self.product.ask("receipts", "order", order)["lines"]
        self.page.follow("tbody tr:last-child a[href*='/receipts/new']")
        boxes = self.page.elements("input[name^=quantity-]")
        same([number(box.attribute("value") or "0") for box in boxes], [Decimal(line["to_come"]) for line in lines], "the boxes")
        self.shoot("receipt-form")
        self.page.width(WIDTHS[1])
        for box, quantity in zip(boxes, ["100000"] + [""] * len(boxes)):
            box.write(quantity)
        self.page.follow("form[action$='/receipts'] button")
        expect("waiting for a decision" in self.page.text(), f"100,000 are taken in: {self.page.text()}")
        self.shoot("receipt-waits")
        self.page.width(WIDTHS[1])
        self.page.element("#reason").write("a typing error")
        self.page.follow("form[action$='/decide'] button[value=reject]")
        expect("Refused by" in self.page.text(), "it is not refused")
        self.go("/receipts")
        self.page.follow("tbody tr:last-child a[href*='/receipts/new']")
        self.page.follow("form[action$='/receipts'] button")
        self.received(order, [Decimal(line["to_come"]) for line in lines])
        self.shoot("receipt")
        self.page.width(WIDTHS[1])
        self.page.element("#reason").write("the check is over")
        self.page.follow("form[action$='/take-back'] button")
        expect("Taken back by" in self.page.text(), "it is not taken back")
        self.received(order, [Decimal(0)] * len(lines))

    def received(self, order, quantities):
        """Waits until the ledger says that so much of each line of an order was received."""
        ends = time.monotonic() + ORDER_SECONDS_MAX
        while True:
            lines = self.product.ask("receipts", "order", order)["lines"]
            found = [Decimal(line["received"]) for line in lines]
            if found == quantities or time.monotonic() > ends:
                return same(found, quantities, f"what was received of {order} after {ORDER_SECONDS_MAX} s")
            time.sleep(0.5)

    def adjustments(self):
        """Stock is written off by the form, what can't be is told, and the list shows what the command does."""
        counted = [row for row in self.product.ask("positions") if float(row["on_hand"] or 0) >= 1]
        item = next(row for row in counted if not self.product.ask("item", row["code"])["tracked"])
        before = len(self.product.ask("stock", "adjustments", "list"))
        self.page.width(WIDTHS[1])
        self.go("/adjustments")
        csrf = self.page.element("form[action$='/adjustments'] input[name=csrf]").attribute("value")
        day = self.page.element("#on").attribute("value")
        form = {"csrf": csrf, "item": item["code"], "on": day, "quantity": "1", "reason": "damaged", "unit_cost": "", "note": "browser"}
        status, _ = self.request("POST", "/adjustments", form)
        expect(status == 409, f"what is damaged and comes in answers {status}")
        status, _ = self.request("POST", "/adjustments", {**form, "csrf": "x", "quantity": "-1"})
        expect(status == 403, f"a form of somebody else answers {status}")
        status, _ = self.request("POST", "/adjustments", {**form, "quantity": "-1"})
        expect(status == 303, f"one damaged {item['code']} answers {status}")
        ends = time.monotonic() + ORDER_SECONDS_MAX
        while True:
            stored = self.product.ask("stock", "adjustments", "list")
            if stored[0]["stage"]["state"] == "booked" or time.monotonic() > ends:
                break
            time.sleep(0.5)
        same((len(stored), stored[0]["stage"]["state"]), (before + 1, "booked"), "the adjustments")
        self.go("/adjustments")
        expect(stored[0]["number"] in self.page.text(), f"{stored[0]['number']} is not listed")
        self.shoot("adjustments")

    def digest(self):
        stored = self.product.ask("digest")
        self.page.width(WIDTHS[1])
        self.go(f"/digests/{stored['content']['day']}")
        headline = self.page.element("h1").text()
        expect(headline in stored["subject"], f"the digest is headed {headline!r}, its mail {stored['subject']!r}")
        suppliers = [link.text() for link in self.page.elements("section.line h3 a")]
        same(suppliers, [entry["supplier"] for entry in stored["content"]["decide"]["shown"]], "the digest's decisions")
        self.shoot("digest")
        self.mail(stored)

    def mail(self, digest):
        """The digest's mail, opened in the browser, with its pictures."""
        mails = [path for path in pathlib.Path(self.product.folder, "mail").glob("*.html")
                 if f"/digests/{digest['content']['day']}" in path.read_text()]
        same(len(mails), 1, f"mails with the digest of {digest['content']['day']}")
        self.page.go(mails[0].as_uri())
        expect(self.page.script("return document.title") in digest["subject"], "the mail's title is not its subject's")
        broken = self.page.script("return [...document.images].filter(image => image.naturalWidth === 0).length")
        same(broken, 0, "pictures of the mail that don't load")
        self.shoot("mail")

    def health(self):
        def look(stored):
            self.page.width(WIDTHS[1])
            self.go("/health")
            figures = {
                box.all("dt")[0].text(): box.all("dd")[0].text() for box in self.page.elements("dl.figures > div")
            }
            same(number(figures["Xero calls left today"]), stored["calls_left"], "calls left")
            same(number(figures["Dead letters"]), sum(queue["dead"] for queue in stored["queues"]), "dead letters")
            same(stored["audit"]["hash"][:16] in self.page.text(), True, "the audit's hash")

        self.steadily(["health"], look)
        self.shoot("health")

    def reviews(self):
        def look(stored):
            self.page.width(WIDTHS[1])
            self.go("/reviews")
            same(len(self.page.elements("section.line")), len(stored), "the questions")

        self.steadily(["reviews"], look)
        self.shoot("reviews")

    def sign_out(self):
        self.page.width(WIDTHS[1])
        self.page.follow("form.out button")
        status, _ = self.request("GET", "/positions")
        expect(status == 303, f"after signing out the positions answer {status}")
        self.root = self.address
        status, headers = self.request("GET", "/sign-in")
        expect(status == 200 and "default-src 'none'" in headers["Content-Security-Policy"], "the page may load from elsewhere")

    def nothing_was_blocked(self):
        """The pages keep to their own content security policy."""
        blocked = [entry["message"] for entry in self.page.call("POST", "/se/log", {"type": "browser"})
                   if "Content Security Policy" in entry["message"] and "favicon" not in entry["message"]]
        expect(not blocked, f"the browser blocked: {blocked[:3]}")

    def all(self):
        self.sign_in()
        item = self.positions()
        self.item(item)
        self.count()
        self.proof()
        self.approve(self.proposals())
        self.landed()
        self.prices()
        self.receipts()
        self.adjustments()
        for step in (self.digest, self.health, self.reviews, self.nothing_was_blocked, self.sign_out):
            step()


def credentials(product):
    """Where the console is and who may sign in, once the shown days are over."""
    signs_in = product.wait_for(r"Console: (http://127\.0\.0\.1:\d+)\s+sign in as `([^`]+)` with the password `([^`]+)`")
    product.wait_for("^Trade goes on")
    return signs_in.groups()


def main(arguments):
    if missing := missing_programs():
        print(f"missing: {', '.join(missing)}; install chromium and its driver", file=sys.stderr)
        return 1
    binary = str(pathlib.Path(arguments[0]).resolve() if arguments else BINARY)
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parstock-check-") as folder:
        product = Product(binary, folder)
        try:
            address, user, password = credentials(product)
            with browser() as page:
                Check(product, page, address, user, password).all()
        except (Failure, BrowserError) as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1
        finally:
            product.end()
    print(f"the console in the browser: all is well, screenshots in {SCREENSHOTS.relative_to(HERE.parent.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
