#!/usr/bin/env python3
"""How long `parstock cost` takes, and how much memory: tests/bench/cost.py PARSTOCK [MOVEMENTS [ITEMS]]

Makes a file of movements (the same for the same numbers), runs each method three times and prints the best wall time, reading
and writing included, and the peak memory. Needs Python 3 alone."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DAYS = 730
# Of a hundred movements.
KINDS = ["receipt"] * 20 + ["issue"] * 70 + ["sale_return"] * 4 + ["purchase_return"] * 1 + ["adjust_in"] * 1
KINDS += ["adjust_out"] * 1 + ["landed_cost"] * 3
# One movement in so many is told late, with a date of the past.
LATE = 20
RUNS = 3


def day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(1_700_000_000 + number * 86_400))


def write(path: Path, movements: int, items: int) -> None:
    chance = random.Random(1)
    days = [day(number) for number in range(DAYS)]
    issues: list[list[int]] = [[] for _ in range(items)]
    receipts: list[list[int]] = [[] for _ in range(items)]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("seq,date,item,kind,quantity,unit_cost,ref,origin_ref\n")
        for seq in range(1, movements + 1):
            item, kind = chance.randrange(items), chance.choice(KINDS)
            on, origin, cost, quantity = seq * DAYS // (movements + 1), "", "", f"{chance.randrange(1, 40)}"
            if seq % LATE == 0 and kind in ("receipt", "issue"):
                on = chance.randrange(on + 1)
            if kind == "receipt":
                quantity = f"{chance.randrange(20, 200)}"
                receipts[item].append(seq)
            if kind in ("receipt", "adjust_in"):
                cost = f"{chance.randrange(1, 5_000_000) / 10_000:.4f}"
            if kind == "issue":
                issues[item].append(seq)
            if kind == "sale_return" and issues[item] and chance.random() < 0.7:
                origin = f"R{chance.choice(issues[item])}"
            if kind == "purchase_return" and receipts[item]:
                origin = f"R{chance.choice(receipts[item])}"
            if kind == "landed_cost":
                if not receipts[item]:
                    kind, quantity = "issue", "1"
                else:
                    quantity, cost, origin = "", f"{chance.randrange(1, 5_000) / 100:.2f}", f"R{receipts[item][-1]}"
            file.write(f"{seq},{days[on]},SKU-{item:05d},{kind},{quantity},{cost},R{seq},{origin}\n")


def run(program: str, method: str, source: Path, out: Path) -> tuple[float, int]:
    """Seconds and peak memory in KiB."""
    begun = time.monotonic()
    process = subprocess.Popen([program, "cost", "--method", method, "--movements", str(source), "--out", str(out)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    if status != 0:
        sys.exit(f"{program} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss


def main() -> None:
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    program = sys.argv[1]
    movements, items = int((sys.argv + ["", ""])[2] or 1_000_000), int((sys.argv + ["", "", ""])[3] or 5_000)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "movements.csv"), Path(folder, "out.csv")
        write(source, movements, items)
        print(f"{movements} movements over {items} items, {source.stat().st_size / 1_000_000:.0f} MB, load {os.getloadavg()[0]:.1f}")
        for method in ("fifo", "average", "lifo"):
            runs = [run(program, method, source, out) for _ in range(RUNS)]
            print(f"{method:8} {min(runs)[0]:.2f} s, {max(memory for _, memory in runs) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
