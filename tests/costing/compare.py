#!/usr/bin/env python3
"""Holds `parstock cost` against a public implementation of FIFO, LIFO and average: tests/costing/compare.py PARSTOCK

It is coinbasis, which counts in decimals of 28 digits; `pip install --requirement tests/costing/packages.txt` brings it. Random
receipts and issues that never oversell are costed by both, each issue and what is left of each item.

Where the rules differ:
- parstock rounds what leaves a layer to 1/10,000 and lets the layer keep the rest; coinbasis rounds nothing. So with whole
  units FIFO and LIFO agree to the last digit, and else each movement may differ by 1/10,000, which does not add up beyond that.
- coinbasis refuses oversold stock and knows neither returns nor landed cost: docs/costing.md and the model beside the engine stand
  for those."""

import csv
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from coinbasis import Buy, CostBasisMethod, Portfolio, Sell

ITEMS = 200
MOVEMENTS_OF_ITEM = 100
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
STEP = Decimal("0.0001")
METHODS = {"fifo": CostBasisMethod.FIFO, "lifo": CostBasisMethod.LIFO, "average": CostBasisMethod.AVERAGE}


def history(chance: random.Random, whole: bool) -> list[tuple[str, Decimal, Decimal]]:
    """Kind, quantity and unit cost of an item's movements."""
    unit = Decimal(1) if whole else STEP
    movements, there = [], Decimal(0)
    for _ in range(MOVEMENTS_OF_ITEM):
        if there == 0 or chance.random() < 0.4:
            quantity = unit * chance.randrange(1, int(100 / unit))
            movements.append(("receipt", quantity, STEP * chance.randrange(0, 2_000_000)))
            there += quantity
        else:
            # now and then all of it
            quantity = there if chance.random() < 0.1 else unit * chance.randrange(1, int(there / unit) + 1)
            movements.append(("issue", quantity, Decimal(0)))
            there -= quantity
    return movements


def ours(program: str, method: str, histories: list[list[tuple[str, Decimal, Decimal]]]) -> tuple[dict, dict]:
    """Costs of the issues by item, and quantity and value that are left."""
    costs: dict[str, list[Decimal]] = {}
    left = {}
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "movements.csv"), Path(folder, "out.csv")
        kinds = {}
        with source.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow("seq,date,item,kind,quantity,unit_cost,ref,origin_ref".split(","))
            seq = 0
            for item, movements in enumerate(histories):
                for day, (kind, quantity, cost) in enumerate(movements):
                    seq += 1
                    kinds[str(seq)] = kind
                    on = (BEGIN + timedelta(days=day)).date()
                    writer.writerow([seq, on, item, kind, quantity, cost if kind == "receipt" else "", "", ""])
        command = [program, "cost", "--method", method, "--movements", source, "--out", out]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with out.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                left[row["item"]] = (Decimal(row["quantity_after"]), Decimal(row["value_after"]))
                if kinds[row["seq"]] == "issue":
                    costs.setdefault(row["item"], []).append(Decimal(row["cost"]))
    return costs, left


def theirs(method: CostBasisMethod, movements: list[tuple[str, Decimal, Decimal]]) -> tuple[list[Decimal], Decimal, Decimal]:
    """The same of one item."""
    transactions = []
    for day, (kind, quantity, cost) in enumerate(movements):
        at = BEGIN + timedelta(days=day)
        if kind == "receipt":
            transactions.append(Buy(timestamp=at, asset="A", wallet="main", quantity=quantity, unit_price=cost, fee=Decimal(0)))
        else:
            transactions.append(Sell(timestamp=at, asset="A", wallet="main", quantity=quantity, unit_price=Decimal(0), fee=Decimal(0)))
    portfolio = Portfolio(transactions)
    costs: dict[datetime, Decimal] = {}
    for gain in portfolio.realized_gains(method):
        costs[gain.disposed_at] = costs.get(gain.disposed_at, Decimal(0)) + gain.cost_basis
    held = portfolio.holdings(method)
    quantity, value = sum(one.quantity for one in held), sum(one.cost_basis for one in held)
    return [costs[at] for at in sorted(costs)], Decimal(quantity), Decimal(value)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    wrong = 0
    for whole in (True, False):
        chance = random.Random(7)
        histories = [history(chance, whole) for _ in range(ITEMS)]
        for method, their_method in METHODS.items():
            our_costs, our_left = ours(sys.argv[1], method, histories)
            count = equal = 0
            largest = Decimal(0)
            for item, movements in enumerate(histories):
                costs, quantity, value = theirs(their_method, movements)
                our_quantity, our_value = our_left[str(item)]
                pairs = list(zip(our_costs.get(str(item), []), costs, strict=True)) + [(our_value, value)]
                # a layer carries half a step at most; an issue may touch all layers that there are
                bound = Decimal(0) if whole and method != "average" else STEP * len(movements)
                for our, their in pairs:
                    their = their.quantize(STEP * STEP)
                    count, equal = count + 1, equal + (our == their.quantize(STEP))
                    largest = max(largest, abs(our - their))
                    if abs(our - their) > bound:
                        wrong += 1
                        print(f"{method}, item {item}: {our} is {their}")
                if our_quantity != quantity:
                    wrong += 1
                    print(f"{method}, item {item}: the quantity left is {our_quantity}, not {quantity}")
            units = "whole units" if whole else "parts of units"
            print(f"{units}, {method}: {equal} of {count} costs equal to 1/10,000, largest difference {largest:f}")
    print(f"{wrong} differences beyond the rounding")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
