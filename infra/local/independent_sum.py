#!/usr/bin/env python3
"""What each item's stock and money must be after a replay, worked out from the retailer's file alone.

    python3 independent_sum.py SALES SUPPLY > SUMS

SALES is the retailer's file, plain or gzip; SUPPLY is what the replay wrote (item,date,kind,quantity,amount). The rules
are those of docs/replay-rules.md, written down here a second time on purpose: nothing is shared with the replay.
Exit 0: sums on standard output. Exit 2: a line is broken; it is named on standard error.
"""

import csv
import gzip
import io
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
NOT_GOODS = frozenset(
    "POST|DOT|C2|C3|BANK CHARGES|AMAZONFEE|M|m|D|S|B|CRUK|ADJUST|ADJUST2|TEST001|TEST002".split("|")
)
HEADING = (
    "item,quantity,sales_units,sales_value,credit_units,credit_value,adjustment_units,bill_units,bill_value"
)


class Sums:
    """One item's sums: units as int, money as Decimal."""

    def __init__(self):
        self.opening = self.sales = self.credits = self.adjustments = self.bills = 0
        self.sales_value = self.credit_value = self.bill_value = Decimal(0)

    def row(self, item):
        quantity = self.opening + self.bills - self.sales + self.credits + self.adjustments
        return [
            item, quantity, self.sales, money(self.sales_value), self.credits, money(self.credit_value),
            self.adjustments, self.bills, money(self.bill_value),
        ]


class Broken(Exception):
    """A line that can't be summed."""


def money(value):
    return str(value.quantize(CENT, ROUND_HALF_UP))


def rows(path):
    """The rows of a CSV file with their line numbers, plain or gzip by its first bytes."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with (gzip.open(path, "rb") if packed else open(path, "rb")) as stream:
        reader = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
        for row in reader:
            if None in row or None in row.values():
                raise Broken(f"{path}, line {reader.line_num}: it has other columns than the heading")
            yield reader.line_num, row


def number(cast, row, column, path, line):
    try:
        return cast(row[column])
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise Broken(f"{path}, line {line}: {column} {row.get(column)!r} is not a number") from None


def add_sales(path, items):
    for line, row in rows(path):
        document, code = row["invoice_no"], row["stock_code"]
        if document.startswith("A") or code in NOT_GOODS or code.startswith("gift_"):
            continue
        quantity = number(int, row, "quantity", path, line)
        value = abs(quantity) * number(Decimal, row, "unit_price", path, line)
        value = value.quantize(CENT, ROUND_HALF_UP)
        item = items[code]
        if document.startswith("C"):
            item.credits -= quantity
            item.credit_value += value
        elif quantity < 0:
            item.adjustments += quantity
        else:
            item.sales += quantity
            item.sales_value += value


def add_supply(path, items):
    for line, row in rows(path):
        quantity = number(int, row, "quantity", path, line)
        item = items[row["item"]]
        if row["kind"] == "opening":
            item.opening += quantity
        elif row["kind"] == "bill":
            item.bills += quantity
            item.bill_value += number(Decimal, row, "amount", path, line)
        else:
            raise Broken(f"{path}, line {line}: kind {row['kind']!r} is neither opening nor bill")


def main(arguments):
    if len(arguments) != 2:
        print("usage: independent_sum.py SALES SUPPLY > SUMS", file=sys.stderr)
        return 2
    items = defaultdict(Sums)
    try:
        add_sales(arguments[0], items)
        add_supply(arguments[1], items)
    except (Broken, OSError, EOFError, UnicodeDecodeError, csv.Error) as cause:
        print(cause, file=sys.stderr)
        return 2
    except KeyError as cause:
        print(f"the column {cause} is missing", file=sys.stderr)
        return 2
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEADING.split(","))
    for code in sorted(items):
        out.writerow(items[code].row(code))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
