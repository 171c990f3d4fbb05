#!/usr/bin/env python3
"""Measures what merged tokens cost and gain, tabulates it, and draws accuracy over time.

  scripts/merging.py measure --data FOLDER [--program build/release/bin/intvit] [--real-time PRIORITY] [-o docs/merging.csv]
                             [MODEL ...]
  scripts/merging.py table [docs/merging.csv]
  scripts/merging.py plot [docs/merging.csv] -o docs/merging.svg

FOLDER holds weights/MODEL.safetensors, imagenet/calib and imagenet/val with its labels.csv, as for accuracy.py. A row of
the CSV file is a model, the options of `intvit quantize` it was made with, and one half of val: its images in the order
of class and file name, taken by turns. Rows that are there are not measured again. --real-time times with this priority
of the first-in-first-out scheduler, for machines where other work runs.
"""
import csv
import json
import os
import tempfile

from accuracy import (LEFT, MODELS, PANEL, RIGHT, STYLE, evaluate, info, quantize, read, run, run_commands, svg_document,
                      write_rows)

COLUMNS = ["model", "options", "half", "work", "ms", "top1", "float_top1", "agreement", "cosine"]
SPEED_UPS = [1, 1.25, 1.5]
LIS4 = "--residual ptf8 --softmax lis4 --errors-by layer"
MODES = ["", LIS4]
# Searches take minutes, so what they have found stands here: in a float simulation on 125 calibration photographs (1.25
# times: the same parts scaled), or, of vit_tiny with LIS-4, by quantize --speed-up with these numerics.
SCHEDULES = {("deit_tiny_patch16_224", 1.25): "0,0,0,13,12,17,10,18,4,4,4",
             ("deit_tiny_patch16_224", 1.5): "0,0,0,25,22,30,15,26,5,5,4",
             ("vit_tiny_patch16_224", 1.25): "0,0,0,14,13,12,11,10,10,14,13",
             ("vit_tiny_patch16_224", 1.5): "0,0,0,28,24,20,17,15,13,18,14"}
LIS4_SCHEDULES = {("vit_tiny_patch16_224", 1.5): "0,5,0,25,23,20,17,14,13,14,9"}
NAMES = {"": "default", LIS4: "PTF and LIS-4"}
HALVES = ["first", "second"]


def options_of(model, mode, speed_up):
    schedule = SCHEDULES.get((model, speed_up))
    if mode == LIS4:
        schedule = LIS4_SCHEDULES.get((model, speed_up), schedule)
    return " ".join(part for part in (mode, f"--tokens {schedule}" if speed_up > 1 else "") if part)


def split(val, folder):
    """Two folders with links to the halves of val's images and their labels."""
    with open(f"{val}/labels.csv", newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["label"]), row["file"]))
    for index, half in enumerate(HALVES):
        os.mkdir(f"{folder}/{half}")
        for row in rows[index::2]:
            os.symlink(os.path.abspath(f"{val}/{row['file']}"), f"{folder}/{half}/{row['file']}")
        with open(f"{folder}/{half}/labels.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["file", "label"])
            writer.writeheader()
            writer.writerows(rows[index::2])


def measure_one(arguments, model, options, halves):
    program, data = arguments.program, arguments.data
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/model.safetensors"
        quantize(program, data, model, options, f"{data}/imagenet/calib", file)
        priority = ["chrt", "-f", str(arguments.real_time)] if arguments.real_time else []
        bench = json.loads(run(*priority, program, "bench", "-m", file, "-t", "1", "--seconds", "1", "--format",
                               "json"))["results"][0]
        work = info(program, file)["work"]
        for half in HALVES:
            yield {"model": model, "options": options, "half": half, "work": str(work), "ms": f"{bench['median_ms']:.2f}",
                   **evaluate(program, data, model, file, f"{halves}/{half}")}


def measure(arguments):
    done = {(row["model"], row["options"]) for row in read(arguments.output, COLUMNS)}
    with tempfile.TemporaryDirectory() as halves:
        split(f"{arguments.data}/imagenet/val", halves)
        for mode in MODES:
            for speed_up in SPEED_UPS:
                for model in arguments.models or MODELS:
                    options = options_of(model, mode, speed_up)
                    if (model, options) not in done:
                        write_rows(arguments.output, COLUMNS, list(measure_one(arguments, model, options, halves)))


def mean(rows, key):
    return sum(float(row[key]) for row in rows) / len(rows)


def rows_of(rows, model, options):
    return [row for row in rows if (row["model"], row["options"]) == (model, options)]


def table(rows):
    """A line a setting in Markdown: time, and both halves side by side."""
    lines = ["| | 10^9 products | ms | top-1 | float's | agreement | cosine |", "|---|--:|--:|--:|--:|--:|--:|"]
    for model in MODELS:
        for mode in MODES:
            for speed_up in SPEED_UPS:
                both = rows_of(rows, model, options_of(model, mode, speed_up))
                if not both:
                    continue
                halves = [", ".join(row[key] for row in both) for key in ("top1", "float_top1", "agreement", "cosine")]
                name = f"{model.removesuffix('_patch16_224')}, {NAMES[mode]}, {f'{speed_up:g} times' if speed_up > 1 else 'all tokens'}"
                lines.append(f"| {name} | {int(both[0]['work']) * 1e-9:.3f} | {both[0]['ms']} | " + " | ".join(halves) + " |")
    return "\n".join(lines)


TOP, HEIGHT = 96, 96 + len(MODELS) * (PANEL + 62) - 16
MERGING_STYLE = STYLE + """
  .lis4 { stroke-dasharray: 2 4 }
"""


def panel(model, rows, top):
    """One model's part of the drawing, from `top` on."""
    lines = {mode: [(mean(both, "ms"), mean(both, "top1"), speed_up) for speed_up in SPEED_UPS
                    if (both := rows_of(rows, model, options_of(model, mode, speed_up)))] for mode in MODES}
    if not lines[""]:
        raise ValueError(f"{model}: rows of the default are missing")
    float_top1 = mean([row for row in rows if row["model"] == model], "float_top1")
    points = [point for line in lines.values() for point in line]
    low, high = int(min(point[1] for point in points)) - 1, int(max(float_top1, *(point[1] for point in points))) + 2
    longest = 1.1 * max(point[0] for point in points)
    bottom = top + PANEL

    def x(ms):
        return LEFT + (RIGHT - LEFT) * ms / longest

    def y(top1):
        return bottom - PANEL * (top1 - low) / (high - low)

    style = model.split("_")[0]
    svg = [f'<text class="{style} model" x="{LEFT}" y="{top - 12}">{model}</text>']
    for tick in range(low, high + 1):
        svg.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        svg.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for ms in range(int(longest) + 1):
        svg.append(f'<text x="{x(ms):.1f}" y="{bottom + 18}" text-anchor="middle">{ms}</text>')
    svg.append(f'<path class="{style} float" d="M {LEFT},{y(float_top1):.1f} H {RIGHT}"/>')
    svg.append(f'<text x="{LEFT + 6}" y="{y(float_top1) - 6:.1f}">float</text>')
    for mode, line in lines.items():
        css = f"{style} lis4" if mode else style
        if line:
            svg.append(f'<path class="{css}" d="M {" ".join(f"{x(ms):.1f},{y(top1):.1f}" for ms, top1, _ in line)}"/>')
        for ms, top1, speed_up in line:
            svg.append(f'<circle class="{style}" cx="{x(ms):.1f}" cy="{y(top1):.1f}" r="4"/>')
            svg.append(f'<text x="{x(ms):.1f}" y="{y(top1) + (18 if mode else -9):.1f}" text-anchor="middle">{speed_up:g}</text>')
    return svg


def draw(rows):
    svg = [f'<text class="title" x="{LEFT}" y="20">Top-1 accuracy in %, over the milliseconds of an image on one core</text>']
    notes = ["The number is how many times fewer multiply-accumulates merged tokens leave. Line: default numerics; dotted:",
             "PTF and LIS-4. Nothing was trained. One image is 0.15 points."]
    for index, note in enumerate(notes):
        svg.append(f'<text x="{LEFT}" y="{42 + 17 * index}">{note}</text>')
    for index, model in enumerate(MODELS):
        svg += panel(model, rows, TOP + index * (PANEL + 62))
    svg.append(f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">ms</text>')
    return svg_document("Merged tokens: accuracy over time", MERGING_STYLE, svg, HEIGHT)


if __name__ == "__main__":
    real_time = ("--real-time", {"type": int, "default": 0, "metavar": "PRIORITY"})
    run_commands(__doc__, "docs/merging.csv", COLUMNS, measure, table, draw, [real_time])
