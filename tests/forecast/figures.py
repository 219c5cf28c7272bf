#!/usr/bin/env python3
"""Holds `parstock forecast` against the judge of forecasts for stock control: tests/forecast/figures.py PARSTOCK [FOLDER]

FOLDER is where judge.py and its data lie, ../shared/forecast unless said otherwise; without it nothing is done. Prints the table of
docs/forecasting.md: for each data set the ratios to the trailing mean with a normal distribution (MA-N), HEADLINE as their geometric mean,
the share of totals that the 95 % quantile covers with a 90 % interval from a bootstrap over blocks of time, the share below it, and how far
the mean is off the sum of all; then the long horizons of M3, and time and memory of 10,000 items. `--split heldout` judges other items.
`--half 0` and `--half 1` judge two halves of each set by chance, each forecast by what its own items have in common alone.
`pip install --requirement tests/forecast/packages.txt` brings what it needs.

Ends with 1 if a bound of the whole is broken: see BOUNDS below."""

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
# The set in which the judge's notes say that INV means nothing.
NO_INV = "raf_monthly"
SCORES = ["WSPL", "COST95", "SCOST95", "INV@0.95"]
DRAWS = 1000
# Blocks of time below which a bootstrap over them says nothing.
BLOCKS_MIN = 8
# BOUNDS: HEADLINE of the worst set and of all, share of totals that q95 covers in any set, sMAPE of M3.
WORST, TOGETHER, COVERS, LONG = 1.00, 0.86, 0.91, 13.8
# Of the speed set: length of its periods and the last of them.
SPEED = {"freq": "7D", "season": 52, "protection": 3, "horizon": 8, "cutoffs": []}


def forecast(program: str, *arguments: str) -> None:
    subprocess.run([program, "forecast", *arguments], check=True, stderr=subprocess.DEVNULL)


def coverage(judge, numpy, name: str, frame, split: str, data: str) -> tuple[float, float, str]:
    """Share of totals up to q95, share of those below it, and the first one's interval over blocks as long as the protection interval, since
    totals of neighbouring origins overlap. Where q95 is exact, 95 % lies between the two shares: totals are whole numbers."""
    plan, items, demand = judge.load(name, split, data)
    protection, periods = plan["protection"], plan["test_periods"]
    last = demand.values[:, -periods:]
    origins = periods - protection + 1
    totals = numpy.stack([last[:, t : t + protection].sum(1) for t in range(origins)], 1)
    cutoffs = plan["cutoffs"][:origins]
    total = frame[frame.h == 0].set_index(["unique_id", "cutoff"])
    q95 = total["q95"].unstack().loc[items.unique_id, cutoffs].values
    within = totals <= q95 + 1e-9
    below = totals < q95 - 1e-9
    blocks = [within[:, begin : begin + protection].mean(0) for begin in range(0, origins, protection)]
    if len(blocks) < BLOCKS_MIN:
        return within.mean(), below.mean(), f"{len(blocks)} blocks"
    chance = numpy.random.default_rng(1)
    draws = [
        numpy.concatenate([blocks[block] for block in chance.integers(0, len(blocks), len(blocks))]).mean()
        for _ in range(DRAWS)
    ]
    low, high = numpy.quantile(draws, [0.05, 0.95])
    return within.mean(), below.mean(), f"{100 * low:.1f}–{100 * high:.1f} % of {len(blocks)} blocks"


def mean(ratios: list[float]) -> float:
    """Geometric."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def halved(judge, numpy, pandas, name: str, split: str, data: str, half: int, work: Path) -> str:
    """A folder with half of a set's items."""
    plan, items, _ = judge.load(name, split, data)
    places = numpy.random.default_rng(1).permutation(len(items))[half::2]
    ids = set(items.unique_id.iloc[places])
    for table in [f"{name}_{split}.csv.gz", f"{name}_meta.csv"]:
        frame = pandas.read_csv(Path(data, table), dtype=str, keep_default_na=False)
        frame[frame.unique_id.isin(ids)].to_csv(work / table, index=False)
    (work / "datasets.json").write_text(json.dumps({name: plan}), encoding="utf-8")
    return str(work)


def long_horizons(pandas, program: str, data: str, work: Path, split: str) -> tuple[int, float] | None:
    """Number of series and sMAPE."""
    source = Path(data, f"m3_monthly_{split}.csv.gz")
    if not source.exists():
        return None
    out = work / "m3.csv"
    forecast(program, "--m3", str(source), "--out", str(out))
    truth = pandas.read_csv(source)
    truth = truth[truth.part == "test"]
    both = truth.merge(pandas.read_csv(out), on=["unique_id", "t"])
    assert len(both) == len(truth)
    return both.unique_id.nunique(), (200 * (both.y - both["mean"]).abs() / (both.y + both["mean"])).mean()


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
    parser.add_argument("--half", type=int, choices=[0, 1])
    options = parser.parse_args()
    if not Path(options.folder, "judge.py").exists():
        print(f"skipped: there is no judge in {options.folder}")
        return 0
    data, split = str(Path(options.folder, "data")), options.split
    whole = options.half is None
    # first, since what a process begins with counts as its memory, and the packages are large
    with tempfile.TemporaryDirectory() as folder:
        timed = speed(options.program, data, Path(folder)) if whole else None
    sys.path.insert(0, options.folder)
    import judge
    import numpy
    import pandas

    heads, heads_without = [], []
    broken = []
    print("| data set | items | HEADLINE | WSPL | COST95 | SCOST95 | INV@.95 | q95 covers | 90 % interval | below q95 | mean |")
    print("|" + 11 * "---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in SETS:
            history = Path(data, f"{name}_{split}.csv.gz")
            reference = Path(data, "ref", f"{name}_MA-N_{split}.parquet")
            if not history.exists() or not reference.exists():
                print(f"| {name} | skipped: no data of the split {split} |")
                continue
            source = data if whole else halved(judge, numpy, pandas, name, split, data, options.half, work)
            out = work / f"{name}.csv"
            forecast(
                options.program,
                *("--dataset", str(Path(source, "datasets.json"))),
                *("--name", name),
                *("--history", str(Path(source, history.name))),
                *("--meta", str(Path(source, f"{name}_meta.csv"))),
                *("--out", str(out)),
            )
            frame = judge.read(str(out))
            ours = judge.judge(name, frame, split, source)
            theirs = judge.judge(name, judge.read(str(reference)), split, source)
            ratios = [ours[score] / theirs[score] for score in SCORES]
            head = mean(ratios)
            heads.append(head)
            heads_without.append(mean(ratios[:-1]) if name == NO_INV else head)
            if head > WORST:
                broken.append(f"HEADLINE of {name} is {head:.3f}, above {WORST:.2f}")
            covers, below, interval = coverage(judge, numpy, name, frame, split, source)
            if covers < COVERS:
                broken.append(f"q95 of {name} covers {100 * covers:.1f} %, below {100 * COVERS:.0f} %")
            figures = " | ".join(f"{ratio:.3f}" for ratio in [head, *ratios])
            shares = f"{100 * covers:.1f} % | {interval} | {100 * below:.1f} % | {100 * ours['BIAS']:+.0f} %"
            print(f"| {name} | {ours['n']} | {figures} | {shares} |")
        if heads:
            together = mean(heads)
            print(f"| geometric mean of {len(heads)} | | {together:.3f} |")
            print(f"\nWithout INV@.95 of {NO_INV}: {mean(heads_without):.3f}")
            if together > TOGETHER:
                broken.append(f"HEADLINE of all is {together:.3f}, above {TOGETHER:.2f}")
        long = long_horizons(pandas, options.program, data, work, split) if whole else None
        if long is not None:
            series, smape = long
            print(f"M3, {series} monthly series, 18 months ahead: sMAPE {smape:.2f}")
            if smape > LONG:
                broken.append(f"sMAPE of M3 is {smape:.2f}, above {LONG}")
        if timed is not None:
            print("10,000 items of 104 weeks: {:.2f} s, {:.2f} s of processors, {} MiB".format(*timed))
    if not whole:
        return 0
    for what in broken:
        print(f"broken: {what}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
