#!/usr/bin/env python3
"""Measures what other calibration photographs and other images make of the quantizer's accuracy.

  scripts/calibration-sets.py measure --data FOLDER [--program build/release/bin/intvit] [-o docs/calibration_sets.csv]
                                      [MODEL ...]
  scripts/calibration-sets.py table [docs/calibration_sets.csv]

FOLDER holds weights/MODEL.safetensors, imagenet/calib and imagenet/val with its labels.csv, as for accuracy.py. Each
setting is measured with three sets of 200 of calib's photographs, which a seed draws. A row of the CSV file is a model,
the options of `intvit quantize` it was made with, a set, and one half of val, as merging.py halves it. Rows that are
there are not measured again. The table has a setting's mean over the sets, first half and second.
"""
import os
import random
import tempfile

from accuracy import MODELS, WORDS, evaluate, info, quantize, read, run_commands, write_rows
from merging import HALVES, mean, rows_of, split

COLUMNS = ["model", "options", "set", "half", "bits_per_weight", "top1", "float_top1", "agreement", "cosine"]
SEEDS = [1, 2, 3]
PHOTOGRAPHS = 200
SETTINGS = {"int8": ""}
for bits, names in {5.25: ["int4", "STLQ"], 4.6: ["int4", "STLQ"], 4.25: ["int4"]}.items():
    for name in names:
        SETTINGS[f"{name}, {bits} bits"] = f"{WORDS[name]} --average-bits {bits}"


def draw_set(calib, seed, folder):
    """A folder with links to the photographs that the seed draws."""
    os.mkdir(folder)
    photographs = sorted(name for name in os.listdir(calib) if name.lower().endswith((".jpg", ".jpeg", ".png")))
    for name in random.Random(seed).sample(photographs, PHOTOGRAPHS):
        os.symlink(os.path.abspath(f"{calib}/{name}"), f"{folder}/{name}")


def measure_one(arguments, model, options, seed, folder):
    program, data = arguments.program, arguments.data
    file = f"{folder}/model.safetensors"
    quantize(program, data, model, options, f"{folder}/{seed}", file)
    bits = f"{info(program, file)['bits_per_weight']:.2f}"
    for half in HALVES:
        yield {"model": model, "options": options, "set": str(seed), "half": half, "bits_per_weight": bits,
               **evaluate(program, data, model, file, f"{folder}/{half}")}


def measure(arguments):
    done = {(row["model"], row["options"], row["set"]) for row in read(arguments.output, COLUMNS)}
    with tempfile.TemporaryDirectory() as folder:
        split(f"{arguments.data}/imagenet/val", folder)
        for seed in SEEDS:
            draw_set(f"{arguments.data}/imagenet/calib", seed, f"{folder}/{seed}")
            for options in SETTINGS.values():
                for model in arguments.models or MODELS:
                    if (model, options, str(seed)) not in done:
                        write_rows(arguments.output, COLUMNS, list(measure_one(arguments, model, options, seed, folder)))


def table(rows):
    """A line a setting in Markdown, of those that all sets have been measured of: top-1 beside float's, agreement, cosine."""
    lines = []
    for model in MODELS:
        lines += ["| " + model.removesuffix("_patch16_224") + " | top-1 beside float's | agreement % | cosine |",
                  "|---|--:|--:|--:|"]
        for name, options in SETTINGS.items():
            halves = [[row for row in rows_of(rows, model, options) if row["half"] == half] for half in HALVES]
            if any(len(half) < len(SEEDS) for half in halves):
                continue
            cells = [[mean(half, key) for half in halves] for key in ("top1", "float_top1", "agreement", "cosine")]
            top1 = [integer - of_float for integer, of_float in zip(cells[0], cells[1])]
            lines.append(f"| {name} | {top1[0]:+.1f}, {top1[1]:+.1f} | {cells[2][0]:.1f}, {cells[2][1]:.1f} | "
                         f"{cells[3][0]:.4f}, {cells[3][1]:.4f} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    run_commands(__doc__, "docs/calibration_sets.csv", COLUMNS, measure, table)
