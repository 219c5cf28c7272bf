#!/usr/bin/env python3
"""Holds `parstock forecast` against the judge of forecasts for stock control: tests/forecast/figures.py PARSTOCK [FOLDER]

FOLDER is where judge.py and its data lie, ../shared/forecast unless said otherwise; without it nothing is done. Prints the table of
docs/forecasting.md: for each data set the ratios to the trailing mean with a normal distribution (MA-N), HEADLINE as their geometric mean, and
the coverage of the 95 % quantile with a 90 % interval from a bootstrap over blocks of time; then the long horizons of M3, and time and memory
of 10,000 items. `--split heldout` judges other items. `pip install --requirement tests/forecast/packages.txt` brings what it needs.

Ends with 1 if a bound of docs/forecasting.md is broken."""

import argparse
import csv
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETS = ["or_weekly", "carparts_monthly", "raf_monthly", "auto_monthly", "pasta_weekly", "oj_weekly"]
# Sets of items that ask for few units, whose quantiles jump by whole units.
FEW_UNITS = {"carparts_monthly", "raf_monthly"}
SCORES = ["WSPL", "COST95", "SCOST95", "INV@0.95"]
LEVELS = [0.5, 0.8, 0.9, 0.95, 0.975, 0.99]
QUANTILES = ["q50", "q80", "q90", "q95", "q975", "q99"]
DRAWS = 1000
# What must not be broken: HEADLINE of the worst set and of all, sMAPE of M3.
WORST, TOGETHER, LONG = 1.00, 0.94, 13.9
# Of the speed set: length of its periods and the last of them.
SPEED = {"freq": "7D", "season": 52, "protection": 3, "horizon": 8, "cutoffs": []}


def forecast(program: str, *arguments: str) -> None:
    subprocess.run([program, "forecast", *arguments], check=True, stderr=subprocess.DEVNULL)


def coverage(judge, numpy, name: str, frame, split: str, data: str) -> tuple[float, float, float, float]:
    """Share of totals within q95, its interval over blocks of time, and the share with ties counted in part."""
    plan, items, demand = judge.load(name, split, data)
    protection, periods = plan["protection"], plan["test_periods"]
    last = demand.values[:, -periods:]
    origins = periods - protection + 1
    totals = numpy.stack([last[:, t : t + protection].sum(1) for t in range(origins)], 1)
    cutoffs = plan["cutoffs"][:origins]
    total = frame[frame.h == 0].set_index(["unique_id", "cutoff"])
    quantiles = numpy.stack(
        [
            total[column].unstack().loc[items.unique_id, cutoffs].values
            for column in QUANTILES
        ],
        2,
    )
    q95 = quantiles[:, :, 3]
    within = totals <= q95 + 1e-9
    # where the total equals q95, the share of its probability that lies below .95, read between the levels that are told
    below = numpy.full(q95.shape, 0.0)
    above = numpy.full(q95.shape, 1.0)
    for place, level in enumerate(LEVELS):
        here = quantiles[:, :, place]
        before = quantiles[:, :, place - 1] if place else numpy.full(q95.shape, -1.0)
        earlier = LEVELS[place - 1] if place else 0.0
        first = (here >= q95) & (before < q95)
        below = numpy.where(first, (level + earlier) / 2, below)
        past = (here > q95) & (before <= q95)
        above = numpy.where(past & (above == 1.0), (level + earlier) / 2, above)
    part = numpy.clip((0.95 - below) / numpy.maximum(above - below, 1e-9), 0, 1)
    ties = numpy.where(numpy.abs(totals - q95) < 1e-9, part, within)
    blocks = [within[:, begin : begin + protection].mean(0) for begin in range(0, origins, protection)]
    chance = numpy.random.default_rng(1)
    draws = [
        numpy.concatenate([blocks[block] for block in chance.integers(0, len(blocks), len(blocks))]).mean()
        for _ in range(DRAWS)
    ]
    return within.mean(), *numpy.quantile(draws, [0.05, 0.95]), ties.mean()


def long_horizons(pandas, program: str, data: str, work: Path, split: str) -> float | None:
    source = Path(data, f"m3_monthly_{split}.csv.gz")
    if not source.exists():
        return None
    out = work / "m3.csv"
    forecast(program, "--m3", str(source), "--out", str(out))
    truth = pandas.read_csv(source)
    truth = truth[truth.part == "test"]
    both = truth.merge(pandas.read_csv(out), on=["unique_id", "t"])
    assert len(both) == len(truth)
    return (200 * (both.y - both["mean"]).abs() / (both.y + both["mean"])).mean()


def speed(program: str, data: str, work: Path) -> tuple[float, float, int] | None:
    """Seconds and processor's seconds with reading and writing, and the most memory in MiB, of the whole program."""
    source = Path(data, "speed_10k.csv.gz")
    if not source.exists():
        return None
    with gzip.open(source, "rt", encoding="utf-8") as file:
        last = max(row["ds"] for row in csv.DictReader(file))
    sets = work / "speed.json"
    sets.write_text(json.dumps({"speed": SPEED | {"cutoffs": [last]}}), encoding="utf-8")
    arguments = ["--dataset", str(sets), "--name", "speed", "--history", str(source), "--out", str(work / "speed.csv")]
    began = time.monotonic()
    process = subprocess.Popen([program, "forecast", *arguments], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="PARSTOCK")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default="../shared/forecast")
    parser.add_argument("--split", default="open")
    options = parser.parse_args()
    if not Path(options.folder, "judge.py").exists():
        print(f"skipped: there is no judge in {options.folder}")
        return 0
    data, split = str(Path(options.folder, "data")), options.split
    # first, since what a process begins with counts as its memory, and the packages are large
    with tempfile.TemporaryDirectory() as folder:
        timed = speed(options.program, data, Path(folder))
    sys.path.insert(0, options.folder)
    import judge
    import numpy
    import pandas

    heads = []
    broken = []
    print("| data set | HEADLINE | WSPL | COST95 | SCOST95 | INV@.95 | q95 covers | 90 % interval | with ties in part |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in SETS:
            history = Path(data, f"{name}_{split}.csv.gz")
            reference = Path(data, "ref", f"{name}_MA-N_{split}.parquet")
            if not history.exists() or not reference.exists():
                print(f"| {name} | skipped: no data of the split {split} |")
                continue
            out = work / f"{name}.csv"
            forecast(
                options.program,
                *("--dataset", str(Path(data, "datasets.json"))),
                *("--name", name),
                *("--history", str(history)),
                *("--meta", str(Path(data, f"{name}_meta.csv"))),
                *("--out", str(out)),
            )
            frame = judge.read(str(out))
            ours = judge.judge(name, frame, split, data)
            theirs = judge.judge(name, judge.read(str(reference)), split, data)
            ratios = [ours[score] / theirs[score] for score in SCORES]
            head = math.exp(sum(map(math.log, ratios)) / len(ratios))
            heads.append(head)
            if head > WORST:
                broken.append(f"HEADLINE of {name} is {head:.3f}, above {WORST:.2f}")
            covers, low, high, ties = coverage(judge, numpy, name, frame, split, data)
            of_ties = f"{100 * ties:.1f} %" if name in FEW_UNITS else ""
            figures = " | ".join(f"{ratio:.3f}" for ratio in [head, *ratios])
            print(f"| {name} | {figures} | {100 * covers:.1f} % | {100 * low:.1f}–{100 * high:.1f} % | {of_ties} |")
        if heads:
            together = math.exp(sum(map(math.log, heads)) / len(heads))
            print(f"| geometric mean | {together:.3f} |")
            if together > TOGETHER:
                broken.append(f"HEADLINE of all is {together:.3f}, above {TOGETHER:.2f}")
        long = long_horizons(pandas, options.program, data, work, split)
        if long is not None:
            print(f"\nM3 monthly, 18 months ahead: sMAPE {long:.2f}")
            if long > LONG:
                broken.append(f"sMAPE of M3 is {long:.2f}, above {LONG}")
        if timed is not None:
            print("10,000 items of 104 weeks: {:.2f} s, {:.2f} s of processors, {} MiB".format(*timed))
    for what in broken:
        print(f"broken: {what}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
