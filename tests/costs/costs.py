#!/usr/bin/env python3
"""What a month on AWS costs, for three sizes of shop, worked out of `docs/costs.json`.

    python3 tests/costs/costs.py            writes the tables into docs/costs.md
    python3 tests/costs/costs.py --check    says whether they are those that the figures give

`measured` in the file is what `cargo test -p parstock --test parstock xero::costs` measures; `assumed` is what nobody measured;
`prices` are list prices; `allowances` is what each account gets every month without end. Standard library only."""
import json, pathlib, sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
BEGIN, END = "<!-- costs.py: begin -->\n", "<!-- costs.py: end -->\n"
# A month of the year's mean length.
DAYS = 365 / 12


def amounts(costs, shop):
    """What a shop uses in a month, by what AWS counts."""
    measured, assumed = costs["measured"], costs["assumed"]
    quiet, planned = measured["quiet_day"], measured["planned_item"]
    # a document of any number of lines, on the line through the two sizes that were measured
    low, high = measured["document_of_1_lines"], measured["document_of_10_lines"]
    document = {key: low[key] + (high[key] - low[key]) * (shop["lines"] - 1) / 9 for key in low}
    busy = shop["documents"]
    # every item that moved is planned in the night, all of them once a week; a tenth of the documents also at once
    touched = min(shop["items"], busy * shop["lines"])
    items_planned = touched * 6 / 7 + shop["items"] / 7 + busy * shop["lines"] * assumed["planned_at_once"]
    plan_messages = touched / 100 + busy * assumed["planned_at_once"]
    contacts = plan_messages * shop["contacts"] * assumed["contact_bytes"] / 4096
    orders = shop["orders"] * assumed["documents_per_order"]
    read = quiet["read_units"] + (busy + orders) * document["read_units"] + items_planned * planned["read_units"] + contacts
    # the trail that a weekly check reads is, on average over three years, half as long as at their end
    entries = busy * DAYS * 12 * 1.5
    read += entries * assumed["entry_bytes"] / 4096 / 7
    written = quiet["write_units"] + (busy + orders) * document["write_units"] + items_planned * planned["write_units"]
    quiet_messages = sum(quiet[queue] for queue in ("events", "work", "effects"))
    messages = quiet_messages + busy * sum(document[queue] for queue in ("events", "work", "effects")) + plan_messages
    messages += shop["orders"] * assumed["messages_per_order"]
    ticks = 2 * 96
    runs = messages + busy + ticks + shop["pages"]
    seconds = messages * assumed["seconds_per_message"] + (busy + ticks + shop["pages"]) * assumed["seconds_of_others"]
    rows = busy * DAYS * 12 * 3 * (shop["lines"] + 3) * assumed["row_bytes"] / 2 + shop["items"] * assumed["item_bytes"]
    logs = runs * assumed["log_bytes_per_run"] + messages * assumed["log_bytes_per_message"]
    # empty looks of Lambda's pollers at three queues, and for each message sending, receiving and deleting
    requests = assumed["idle_polls_per_queue_and_day"] * 3 + messages * 3
    day = {
        "dynamodb_read": read, "dynamodb_write": written, "sqs": requests,
        "lambda_requests": runs, "lambda_gb_seconds": seconds * assumed["memory_gb"],
        "api_requests": busy + shop["pages"], "log_gb": logs / 1e9,
        "secret_calls": assumed["secret_calls_per_day"], "mails": assumed["mails_per_day"],
        "schedules": ticks, "traces": runs * assumed["traced"],
    }
    month = {what: amount * DAYS for what, amount in day.items()}
    month |= {
        "storage_gb": rows / 1e9, "recovery_gb": rows / 1e9, "log_storage_gb": month["log_gb"] * assumed["log_months"],
        "secrets": assumed["secrets"], "metrics": 10, "alarms": 10, "dashboards": 1,
    }
    return month


def price(costs, month):
    """Each line's cost within the allowances and at list price, in USD."""
    lines = {}
    for what, amount in month.items():
        rate, allowed = costs["prices"][what], costs["allowances"].get(what, 0)
        lines[what] = (max(0, amount - allowed) * rate, amount * rate)
    return lines


def number(amount):
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"


def tables(costs):
    shops = costs["shops"]
    months = {name: amounts(costs, shop) for name, shop in shops.items()}
    priced = {name: price(costs, month) for name, month in months.items()}
    heads = " | ".join(f"{name}: within allowances | at list price" for name in shops)
    text = f"| a month, USD | {heads} |\n|---|" + "---|---|" * len(shops) + "\n"
    for what in next(iter(months.values())):
        cells = " | ".join("{:.2f} | {:.2f}".format(*priced[name][what]) for name in shops)
        text += f"| {costs['names'][what]} | {cells} |\n"
    sums = [[sum(line[column] for line in priced[name].values()) for column in (0, 1)] for name in shops]
    text += "| **together** | " + " | ".join("**{:.2f}** | **{:.2f}**".format(*pair) for pair in sums) + " |\n"
    text += "\n| amounts in a month | " + " | ".join(shops) + " |\n|---|" + "---|" * len(shops) + "\n"
    for what in next(iter(months.values())):
        cells = " | ".join(number(months[name][what]) for name in shops)
        text += f"| {costs['names'][what]} | {cells} |\n"
    return text, dict(zip(shops, sums))


def main():
    costs = json.loads((DOCS / "costs.json").read_text())
    page = DOCS / "costs.md"
    text = page.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    made, sums = tables(costs)
    wanted = before + BEGIN + made + END + after
    free, listed = sums["middle"]
    goal = costs["goal"]
    if free > goal["within_allowances"] or listed > goal["at_list_price"]:
        sys.exit(f"the middle shop costs {free:.2f} USD within the allowances and {listed:.2f} at list price: {goal}")
    if "--check" not in sys.argv:
        page.write_text(wanted)
    elif wanted != text:
        sys.exit("docs/costs.md says something else than docs/costs.json: run python3 tests/costs/costs.py")
    print(f"the middle shop: {free:.2f} USD within the allowances, {listed:.2f} at list price")


main()
