#!/usr/bin/env python3
"""Measures what the quantizer's settings cost, tabulates it, and draws the error of weights of four bits over bits.

  scripts/accuracy.py measure --data FOLDER [--program build/release/bin/intvit] [-o docs/accuracy.csv] [MODEL ...]
  scripts/accuracy.py table [docs/accuracy.csv]
  scripts/accuracy.py plot [docs/accuracy.csv] -o docs/stlq_accuracy.svg

FOLDER holds weights/MODEL.safetensors, imagenet/calib and imagenet/val with its labels.csv; val is cropped to 224 pixels.
A row of the CSV file is a model and the options of `intvit quantize` it was made with. Rows that are there are not measured
again, so an interrupted run goes on where it stopped.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile

BY_LAYER = "--errors-by layer"
MODELS = ["deit_tiny_patch16_224", "vit_tiny_patch16_224"]
COLUMNS = ["model", "options", "bits_per_weight", "top1", "float_top1", "agreement", "cosine"]
# Weights of four bits, and the average bits that are measured of each: from no second words to all.
WORDS = {"int4": "--weight-format int4", "STLQ": "--weight-format stlq"}
AVERAGE_BITS = [4.125, 4.25, 4.6, 5.25, 6.25]
FEWER_BITS = [5, 6]  # all weights of the blocks alike, for comparison
OBSERVERS = ["mse", "minmax", "ema", "percentile", "omse"]
RESIDUALS = ["int16", "ptf8"]
SOFTMAXES = ["int16", "int8", "lis4", "lis8"]


def setting(observer, residual, softmax):
    """The options of a row of the observers' table, in which all tokens count alike; what is the default is not named."""
    options = [f"--observer {observer}"] if observer != "mse" else []
    if (residual, softmax) != ("int16", "int16"):
        options.append(f"--residual {residual} --softmax {softmax}")
    return " ".join(options + [BY_LAYER])


def settings():
    """Options of the rows of the tables in docs/quantization.md and docs/stlq.md, what decides most first."""
    yield ""
    for bits in FEWER_BITS:
        yield f"--weight-bits {bits}"
    for options in WORDS.values():
        for bits in AVERAGE_BITS:
            yield f"{options} --average-bits {bits}"
        yield f"{options} --average-bits 5.25 {BY_LAYER}"  # what counting errors by the model's outputs gains
    for softmax in SOFTMAXES:
        for residual in RESIDUALS:
            for observer in OBSERVERS:
                yield setting(observer, residual, softmax)
    for observer in OBSERVERS[1:]:
        yield f"--as-published --residual int8 --softmax int8 --observer {observer}"
    yield "--as-published --softmax int8"
    yield "--as-published"


def read(path, columns=None):
    columns = columns or COLUMNS
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if any(list(row) != columns for row in rows):
        raise ValueError(f"{path}: expected the columns {','.join(columns)}")
    return rows


def write_rows(path, columns, rows):
    """Adds rows to a CSV file, which is made where it is missing, and shows them."""
    new = not os.path.exists(path) or os.path.getsize(path) == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(",".join(row.values()), flush=True)


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ValueError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def quantize(program, data, model, options, calib, file):
    """The integer model `file` of a model of the folder `data`."""
    run(program, "quantize", "--weights", f"{data}/weights/{model}.safetensors", "--calib", calib, "-o", file,
        *options.split())


def info(program, file):
    return json.loads(run(program, "info", "-m", file, "--format", "json"))


def evaluate(program, data, model, file, images):
    """The columns of a row that tell how the integer model `file` does beside the float one on images of 227 pixels."""
    result = json.loads(run(program, "eval", "-m", file, "--data", images, "--preprocess", "crop=224", "--float",
                            f"{data}/weights/{model}.safetensors", "--format", "json"))
    return {**{key: f"{result[key]:.2f}" for key in ("top1", "float_top1", "agreement")},
            "cosine": f"{result['cosine']:.4f}"}


def measure_one(program, data, model, options):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/model.safetensors"
        quantize(program, data, model, options, f"{data}/imagenet/calib", file)
        return {"model": model, "options": options, "bits_per_weight": f"{info(program, file)['bits_per_weight']:.2f}",
                **evaluate(program, data, model, file, f"{data}/imagenet/val")}


def measure(arguments):
    done = {(row["model"], row["options"]) for row in read(arguments.output)}
    for options in settings():
        for model in arguments.models or MODELS:
            if (model, options) not in done:
                write_rows(arguments.output, COLUMNS, [measure_one(arguments.program, arguments.data, model, options)])


def table(rows):
    """Observers against residual stream and softmax, "top-1 (agreement)", in Markdown: columns of which all observers
    have been measured."""
    single = {(row["model"], row["options"]): row for row in rows}
    pairs = [(residual, softmax) for residual in RESIDUALS for softmax in SOFTMAXES
             if all((model, setting(observer, residual, softmax)) in single for model in MODELS for observer in OBSERVERS)]
    lines = []
    for model in MODELS:
        names = [f"{residual}, {softmax}" for residual, softmax in pairs]
        lines += ["| " + " | ".join([model.removesuffix("_patch16_224"), *names]) + " |", "|---" * (1 + len(pairs)) + "|"]
        for observer in OBSERVERS:
            cells = [single[model, setting(observer, *pair)] for pair in pairs]
            cells = [f"{row['top1']} ({row['agreement']})" for row in cells]
            lines.append("| " + " | ".join([f"`{observer}`", *cells]) + " |")
        lines.append("")
    return "\n".join(lines)


LEFT, TOP, RIGHT = 60, 130, 740
PANEL, GAP = 210, 62  # the height of a model's part, and what is between two
WIDTH, HEIGHT = 760, TOP + len(MODELS) * (PANEL + GAP) - 16
BITS = (3.9, 8.35)
ERRORS = (0.002, 0.15)  # 1 - cosine
LINE_STYLES = ["int4", "stlq"]  # of WORDS
STYLE = """
  text { font: 12px sans-serif; fill: #333 }
  .title, .model { font-weight: bold }
  .grid { stroke: #ddd }
  .int8 { stroke: #333 }
  path { fill: none; stroke-width: 2 }
  path.int4 { stroke: #1f6fd1 } circle.int4 { fill: #1f6fd1 }
  path.stlq { stroke: #d9730d } circle.stlq { fill: #d9730d }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .grid { stroke: #3a3a3a }
    .int8 { stroke: #ccc }
    path.int4 { stroke: #6cb0ff } circle.int4 { fill: #6cb0ff }
    path.stlq { stroke: #f0984b } circle.stlq { fill: #f0984b }
  }
"""


def panel(model, rows, top):
    """One model's part of the drawing, from `top` on."""
    single = {row["options"]: row for row in rows if row["model"] == model}
    lines = {}
    for name, options in WORDS.items():
        measured = [single.get(f"{options} --average-bits {bits}") for bits in AVERAGE_BITS]
        lines[name] = [row for row in measured if row]
    if not {"", *(f"--weight-bits {bits}" for bits in FEWER_BITS)} <= set(single) or not all(lines.values()):
        raise ValueError(f"{model}: rows of the default or of words are missing")
    bottom = top + PANEL

    def x(bits):
        return LEFT + (RIGHT - LEFT) * (bits - BITS[0]) / (BITS[1] - BITS[0])

    def y(error):
        return bottom - PANEL * math.log(error / ERRORS[0]) / math.log(ERRORS[1] / ERRORS[0])

    def place(row):
        return x(float(row["bits_per_weight"])), y(1 - float(row["cosine"]))

    svg = [f'<text class="model" x="{LEFT}" y="{top - 12}">{model}</text>']
    for tick in (0.1, 0.05, 0.02, 0.01, 0.005, 0.002):
        svg.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        svg.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for bits in range(4, 9):
        svg.append(f'<text x="{x(bits):.1f}" y="{bottom + 18}" text-anchor="middle">{bits}</text>')
    for style, line in zip(LINE_STYLES, lines.values()):
        svg.append(f'<path class="{style}" d="M {" ".join("{:.1f},{:.1f}".format(*place(row)) for row in line)}"/>')
        for row in line:
            at, height = place(row)
            svg.append(f'<circle class="{style}" cx="{at:.1f}" cy="{height:.1f}" r="4"><title>{row["bits_per_weight"]} bits, '
                       f'cosine {row["cosine"]}, agreement {row["agreement"]} %, top-1 {row["top1"]} %</title></circle>')
    # What is not in the blocks has 8 bits.
    in_blocks = (8 - float(lines["int4"][0]["bits_per_weight"])) / (8 - AVERAGE_BITS[0])
    for bits in [*FEWER_BITS, 8]:
        row = single["" if bits == 8 else f"--weight-bits {bits}"]
        at, height = x(8 - in_blocks * (8 - bits)), y(1 - float(row["cosine"]))
        svg.append(f'<path class="int8" d="M {at - 5:.1f},{height - 5:.1f} l 10,10 m 0,-10 l -10,10"><title>{bits} bits, '
                   f'cosine {row["cosine"]}, agreement {row["agreement"]} %, top-1 {row["top1"]} %</title></path>')
    return svg


def draw(rows):
    svg = [f'<text class="title" x="{LEFT}" y="20">Error of the logits (1 - cosine), over bits a weight of the whole model</text>']
    notes = ["From left to right more weights have second words, from none to all that gain by one.",
             "Crosses: integers of 5, 6 and 8 bits for all weights of the blocks. Nothing was fine-tuned."]
    for index, note in enumerate(notes):
        svg.append(f'<text x="{LEFT}" y="{42 + 17 * index}">{note}</text>')
    at = LEFT
    for style, name in zip(LINE_STYLES, WORDS):
        svg.append(f'<path class="{style}" d="M {at},84 h 28"/><circle class="{style}" cx="{at + 14}" cy="84" r="4"/>')
        svg.append(f'<text x="{at + 36}" y="88">{name}</text>')
        at += 60 + 8 * len(name)
    for index, model in enumerate(MODELS):
        svg += panel(model, rows, TOP + index * (PANEL + GAP))
    svg.append(f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">bits a weight</text>')
    return svg_document("Weights of four bits: error over bits a weight", STYLE, svg, HEIGHT)


def svg_document(title, style, elements, height):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{title}</title>", f"<style>{style}</style>", *elements, "</svg>", ""])


def run_commands(description, path, columns, measure, table, draw=None, options=()):
    """The subcommands measure, table and, with `draw`, plot of a script whose rows are in the CSV file `path`. options: of
    measure, besides those that all have, as add_argument() takes them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--data", required=True)
    measuring.add_argument("--program", default="build/release/bin/intvit")
    for name, settings in options:
        measuring.add_argument(name, **settings)
    measuring.add_argument("-o", "--output", default=path)
    measuring.add_argument("models", nargs="*", metavar="MODEL")
    tabulating = commands.add_parser("table")
    tabulating.add_argument("table", nargs="?", default=path)
    if draw:
        plotting = commands.add_parser("plot")
        plotting.add_argument("table", nargs="?", default=path)
        plotting.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    try:
        if arguments.command == "measure":
            measure(arguments)
        elif arguments.command == "table":
            print(table(read(arguments.table, columns)))
        else:
            picture = draw(read(arguments.table, columns))
            with open(arguments.output, "w", encoding="utf-8") as file:
                file.write(picture)
    except (OSError, ValueError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")


if __name__ == "__main__":
    run_commands(__doc__, "docs/accuracy.csv", COLUMNS, measure, table, draw)
