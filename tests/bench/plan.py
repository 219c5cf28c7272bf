#!/usr/bin/env python3
"""How long `parstock plan` takes, and how much memory: tests/bench/plan.py PARSTOCK [ITEMS]

Makes two years of sales (the same for the same number of items), plans them three times and prints the best wall time, reading and
writing included, and the peak memory; once with one lead time for all items, and once with lead times from a day to 60. Needs Python 3 alone."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DAYS = 730
# Days between an item's sales, by item in turn; a third of the items come more often than weekly.
GAPS = [1, 4, 7, 10, 20, 40]
CATEGORIES = 20
RUNS = 3


def day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(1_700_000_000 + number * 86_400))


def write(folder: Path, items: int) -> int:
    """The lines of the history."""
    chance = random.Random(1)
    days = [day(number) for number in range(DAYS)]
    lines = 0
    with (folder / "history.csv").open("w") as history, (folder / "stock.csv").open("w") as stock:
        history.write("item,day,quantity\n")
        stock.write("item,on_hand\n")
        for item in range(items):
            gap, size = GAPS[item % len(GAPS)], chance.randrange(1, 20)
            stock.write(f"SKU-{item:05d},{chance.randrange(200)}\n")
            on = chance.randrange(gap)
            while on < DAYS:
                history.write(f"SKU-{item:05d},{days[on]},{chance.randrange(1, 2 * size)}\n")
                on += chance.randrange(1, 2 * gap + 1)
                lines += 1
    return lines


def write_items(folder: Path, items: int, lead_times: range) -> None:
    with (folder / "items.csv").open("w") as file:
        file.write("item,lead_time_days,category\n")
        for item in range(items):
            file.write(f"SKU-{item:05d},{lead_times[item % len(lead_times)]},{item % CATEGORIES}\n")


def run(program: str, folder: Path) -> tuple[float, float, int]:
    """Seconds, processor's seconds and peak memory in KiB."""
    names = ["history", "stock", "items"]
    arguments = [part for name in names for part in (f"--{name}", str(folder / f"{name}.csv"))]
    begun = time.monotonic()
    with (folder / "plan.json").open("w") as out:
        process = subprocess.Popen([program, "plan", *arguments, "--json"], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    if status != 0:
        sys.exit(f"{program} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main() -> None:
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    program = sys.argv[1]
    items = int((sys.argv + [""])[2] or 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = write(folder, items)
        print(f"{items} items, {lines} lines of two years, load {os.getloadavg()[0]:.1f}")
        for title, lead_times in [("one lead time", range(14, 15)), ("lead times of 1 to 60 days", range(1, 61))]:
            write_items(folder, items, lead_times)
            runs = [run(program, folder) for _ in range(RUNS)]
            seconds, processor, _ = min(runs)
            print(f"{title}: {seconds:.2f} s, {processor:.2f} s of processors, {max(used for *_, used in runs) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
