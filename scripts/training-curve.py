#!/usr/bin/env python3
"""Draws the curve of a training from the log.csv of intvit-train as an SVG picture: loss and top-1 over epochs.

  scripts/training-curve.py LOG.csv -o CURVE.svg
  scripts/training-curve.py LOG.csv --add RUN.csv --log JOINED.csv -o CURVE.svg

LOG.csv is a run's log.csv, or several of them joined: then a first column, run, counts from 1, and every run's epochs
begin at 1 again, as in its own log. In the picture they follow one another.

--add appends the log of one more run, a continuation with --init, and --log says where to write the joined log. Where
RUN.csv begins with the same epoch as the last run of LOG.csv, it is that run, gone further, and takes its place.
"""
import argparse
import csv
import math
import os
import sys

COLUMNS = ["epoch", "step", "learning_rate", "train_loss", "train_top1", "test_loss", "test_top1", "seconds"]
MAY_BE_EMPTY = ["test_loss", "test_top1"]  # in epochs without evaluation

WIDTH, HEIGHT = 760, 330
PANEL_WIDTH, PANEL_HEIGHT, PANEL_TOP = 290, 220, 50
STYLE = """
  text { font: 12px sans-serif; fill: #333 }
  .title { font-weight: bold }
  .grid { stroke: #ddd }
  .axis { stroke: #888 }
  .run { stroke: #888; stroke-dasharray: 4 4 }
  path { fill: none; stroke-width: 2 }
  path.train { stroke: #d9730d } text.train { fill: #b85c00 }
  path.test { stroke: #1f6fd1 } text.test { fill: #1f6fd1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .grid { stroke: #3a3a3a }
    path.train { stroke: #f0984b } text.train { fill: #f0984b }
    path.test { stroke: #6cb0ff } text.test { fill: #6cb0ff }
  }
"""


def read_log(path):
    """The log's runs, each a list of rows of text, without the column `run`."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    header = lines[0] if lines else []
    joined = header == ["run"] + COLUMNS
    if not joined and header != COLUMNS:
        raise ValueError(f"{path}: not a log of intvit-train: expected the columns {','.join(COLUMNS)}")
    runs = []
    for number, line in enumerate(lines[1:], start=2):
        where = f"{path}:{number}"
        if len(line) != len(header):
            raise ValueError(f"{where}: has {len(line)} columns, the header {len(header)}")
        row = line[1:] if joined else line
        for name, text in zip(COLUMNS, row):
            if text == "" and name in MAY_BE_EMPTY:
                continue
            try:
                if not math.isfinite(float(text)):
                    raise ValueError
            except ValueError:
                raise ValueError(f"{where}: {name} is no number: \"{text}\"") from None
        run = line[0] if joined else "1"
        if run == str(len(runs) + 1):
            runs.append([])
        elif run != str(len(runs)):
            raise ValueError(f"{where}: run \"{run}\" does not follow run {len(runs)}")
        if int(row[0]) != len(runs[-1]) + 1:
            raise ValueError(f"{where}: epoch {row[0]} does not follow epoch {len(runs[-1])}")
        runs[-1].append(row)
    if not runs:
        raise ValueError(f"{path}: has no epoch")
    return runs


def write_log(path, runs):
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(["run"] + COLUMNS) + "\n")
        for number, run in enumerate(runs, start=1):
            for row in run:
                file.write(",".join([str(number)] + row) + "\n")


def points(runs, column):
    """(epoch over all runs, value), where there is a value."""
    index = COLUMNS.index(column)
    rows = [row for run in runs for row in run]
    return [(epoch, float(row[index])) for epoch, row in enumerate(rows, start=1) if row[index]]


def tick_step(span, most):
    """The smallest of 1, 2, 5 times a power of ten that makes at most `most` steps of span."""
    unit = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * unit for factor in (1, 2, 5, 10) if span / (factor * unit) <= most)


def panel(left, title, series, boundaries, last_epoch):
    """One diagram's lines of SVG. series: (class, points)."""
    values = [y for _, line in series for _, y in line]
    step = tick_step(max(values) - min(values) or 1, 6)
    low = math.floor(min(values) / step)  # in steps, so that ticks are exact
    high = max(math.ceil(max(values) / step), low + 1)
    digits = max(0, -math.floor(math.log10(step)))
    bottom = PANEL_TOP + PANEL_HEIGHT

    def x(epoch):
        return left + PANEL_WIDTH * epoch / last_epoch

    def y(value):
        return bottom - PANEL_HEIGHT * (value / step - low) / (high - low)

    svg = [f'<text class="title" x="{left}" y="{PANEL_TOP - 28}">{title}</text>']
    for tick in range(low, high + 1):
        at = y(tick * step)
        svg.append(f'<line class="grid" x1="{left}" x2="{left + PANEL_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
        svg.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{tick * step:.{digits}f}</text>')
    step_epochs = max(1, round(tick_step(last_epoch, 8)))
    for epoch in range(0, last_epoch + 1, step_epochs):
        svg.append(f'<line class="axis" x1="{x(epoch):.1f}" x2="{x(epoch):.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        svg.append(f'<text x="{x(epoch):.1f}" y="{bottom + 18}" text-anchor="middle">{epoch}</text>')
    svg.append(f'<line class="axis" x1="{left}" x2="{left + PANEL_WIDTH}" y1="{bottom}" y2="{bottom}"/>')
    svg.append(f'<text x="{left + PANEL_WIDTH / 2:.0f}" y="{bottom + 38}" text-anchor="middle">epoch</text>')
    for run, epoch in boundaries:
        svg.append(f'<line class="run" x1="{x(epoch):.1f}" x2="{x(epoch):.1f}" y1="{PANEL_TOP}" y2="{bottom}"/>')
        svg.append(f'<text x="{x(epoch) + 4:.1f}" y="{bottom - 6}">run {run}</text>')
    for name, line in series:
        path = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in line)
        svg.append(f'<path class="{name}" d="M {path}"/>')
    # The legend in one row under the title.
    for index, (name, _) in enumerate(series):
        text = {"train": "training (augmented)", "test": "test"}[name]
        at = left + 170 * index
        svg.append(f'<path class="{name}" d="M {at},{PANEL_TOP - 14} h 16"/>')
        svg.append(f'<text class="{name}" x="{at + 20}" y="{PANEL_TOP - 10}">{text}</text>')
    return svg


def draw(runs):
    last_epoch = sum(len(run) for run in runs)
    boundaries = []
    done = 0
    for number, run in enumerate(runs[:-1], start=2):
        done += len(run)
        boundaries.append((number, done))

    def series(kind):
        lines = [(split, points(runs, f"{split}_{kind}")) for split in ("train", "test")]
        return [(split, line) for split, line in lines if line]

    best_epoch, best = (points(runs, "test_top1") or [(0, 0)])[-1]
    title = f"Loss and top-1 over {last_epoch} epochs"
    if best_epoch:
        title += f"; test images {best:.2f} % after epoch {best_epoch}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        *panel(50, "loss (cross entropy)", series("loss"), boundaries, last_epoch),
        *panel(430, "top-1 accuracy, %", series("top1"), boundaries, last_epoch),
        "</svg>",
        "",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", metavar="LOG.csv")
    parser.add_argument("--add", metavar="RUN.csv")
    parser.add_argument("--log", metavar="JOINED.csv", dest="joined")
    parser.add_argument("-o", "--output", metavar="CURVE.svg", required=True)
    arguments = parser.parse_args()
    if (arguments.add is None) != (arguments.joined is None):
        parser.error("--add and --log go together")
    try:
        runs = read_log(arguments.log)
        if arguments.add:
            added = read_log(arguments.add)
            if runs[-1][0] == added[0][0]:
                runs.pop()
            runs += added
            write_log(arguments.joined, runs)
        picture = draw(runs)
        with open(arguments.output, "w", encoding="utf-8") as file:
            file.write(picture)
    except (OSError, ValueError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")


if __name__ == "__main__":
    main()
