#!/usr/bin/env python3
"""Measures what the quantizer's settings cost, tabulates it, and draws the accuracy of weights of four bits over bits.

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
import os
import subprocess
import sys
import tempfile

BY_LAYER = " --errors-by layer"
MODELS = ["deit_tiny_patch16_224", "vit_tiny_patch16_224"]
COLUMNS = ["model", "options", "bits_per_weight", "top1", "float_top1", "agreement", "cosine"]
# Weights of four bits, with the ratios that are measured of each, and options that follow the ratio.
WORDS = {
    "int4": ("--weight-format int4", [0, 20, 50, 100], ""),
    "int4, 4 bits more": ("--weight-format int4 --second-word-bits 4", [10, 25, 50, 100], ""),
    "STLQ": ("--weight-format stlq", [0, 10, 25, 50, 100], ""),
    "STLQ by tiles": ("--weight-format stlq --two-word-groups tile", [0, 5, 10, 15, 25, 50, 100], BY_LAYER),
}
OBSERVERS = ["mse", "minmax", "ema", "percentile", "omse"]
RESIDUALS = ["int16", "ptf8"]
SOFTMAXES = ["int16", "int8", "lis4", "lis8"]


def setting(observer, residual, softmax):
    """The options of a row; what is the default is not named."""
    options = [f"--observer {observer}"] if observer != "mse" else []
    if (residual, softmax) != ("int16", "int16"):
        options.append(f"--residual {residual} --softmax {softmax}")
    return " ".join(options)


def settings():
    """Options of the rows of the tables in docs/quantization.md and docs/stlq.md, what decides most first."""
    for options, ratios, more in WORDS.values():
        for ratio in ratios:
            yield f"{options} --two-word-ratio {ratio}{more}"
    for options, ratios, _ in (WORDS["int4, 4 bits more"], WORDS["STLQ"], ("--weight-format int4", [0], "")):
        for ratio in ratios:  # what counting errors by the model's outputs gains
            yield f"{options} --two-word-ratio {ratio}{BY_LAYER}"
    for groups in ("filter", "element"):
        yield f"--weight-format stlq --two-word-groups {groups} --two-word-ratio 15{BY_LAYER}"
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


def measure_one(program, data, model, options):
    weights = f"{data}/weights/{model}.safetensors"
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/model.safetensors"
        run(program, "quantize", "--weights", weights, "--calib", f"{data}/imagenet/calib", "-o", file, *options.split())
        info = json.loads(run(program, "info", "-m", file, "--format", "json"))
        result = json.loads(run(program, "eval", "-m", file, "--data", f"{data}/imagenet/val", "--preprocess", "crop=224",
                                "--float", weights, "--format", "json"))
    return {"model": model, "options": options, "bits_per_weight": f"{info['bits_per_weight']:.2f}",
            **{key: f"{result[key]:.2f}" for key in ("top1", "float_top1", "agreement")},
            "cosine": f"{result['cosine']:.4f}"}


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
BITS = (3.25, 8.35)
LINE_STYLES = ["int4", "long", "stlq", "tiles"]  # of WORDS
STYLE = """
  text { font: 12px sans-serif; fill: #333 }
  .title, .model { font-weight: bold }
  .grid { stroke: #ddd }
  .float { stroke: #888; stroke-dasharray: 6 4 }
  .int8 { stroke: #333 }
  path { fill: none; stroke-width: 2 }
  path.int4 { stroke: #1f6fd1 } circle.int4 { fill: #1f6fd1 }
  path.long { stroke: #1f6fd1; stroke-dasharray: 2 3 } circle.long { fill: #1f6fd1 }
  path.stlq { stroke: #d9730d } circle.stlq { fill: #d9730d }
  path.tiles { stroke: #d9730d; stroke-dasharray: 2 3 } circle.tiles { fill: #d9730d }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .grid { stroke: #3a3a3a }
    .int8 { stroke: #ccc }
    path.int4, path.long { stroke: #6cb0ff } circle.int4, circle.long { fill: #6cb0ff }
    path.stlq, path.tiles { stroke: #f0984b } circle.stlq, circle.tiles { fill: #f0984b }
  }
"""


def panel(model, rows, top):
    """One model's part of the drawing, from `top` on."""
    single = {row["options"]: row for row in rows if row["model"] == model}
    lines = {}
    for name, (options, ratios, more) in WORDS.items():
        measured = [(ratio, single.get(f"{options} --two-word-ratio {ratio}{more}")) for ratio in ratios]
        lines[name] = [(float(row["bits_per_weight"]), float(row["top1"]), ratio) for ratio, row in measured if row]
    if "" not in single or not all(lines.values()):
        raise ValueError(f"{model}: rows of the default or of words are missing")
    float_top1 = float(single[""]["float_top1"])
    int8 = float(single[""]["bits_per_weight"]), float(single[""]["top1"])
    values = [top1 for line in lines.values() for _, top1, _ in line] + [float_top1, int8[1]]
    low, high = int(min(values)) - 1, int(max(values)) + 1
    bottom = top + PANEL

    def x(bits):
        return LEFT + (RIGHT - LEFT) * (bits - BITS[0]) / (BITS[1] - BITS[0])

    def y(top1):
        return bottom - PANEL * (top1 - low) / (high - low)

    svg = [f'<text class="model" x="{LEFT}" y="{top - 12}">{model}</text>']
    for tick in range(low, high + 1):
        svg.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        svg.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    for bits in range(4, 9):
        svg.append(f'<text x="{x(bits):.1f}" y="{bottom + 18}" text-anchor="middle">{bits}</text>')
    svg.append(f'<path class="float" d="M {LEFT},{y(float_top1):.1f} H {RIGHT}"/>')
    svg.append(f'<text x="{LEFT + 6}" y="{y(float_top1) - 6:.1f}">float</text>')
    for style, line in zip(LINE_STYLES, lines.values()):
        svg.append(f'<path class="{style}" d="M {" ".join(f"{x(b):.1f},{y(t):.1f}" for b, t, _ in line)}"/>')
        svg += [f'<circle class="{style}" cx="{x(bits):.1f}" cy="{y(top1):.1f}" r="4"><title>R = {ratio} %, '
                f"{bits:.2f} bits, {top1:.2f} %</title></circle>" for bits, top1, ratio in line]
    svg.append(f'<path class="int8" d="M {x(int8[0]) - 5:.1f},{y(int8[1]) - 5:.1f} l 10,10 m 0,-10 l -10,10"/>')
    svg.append(f'<text x="{x(int8[0]) + 10:.1f}" y="{y(int8[1]) + (4 if abs(y(int8[1]) - y(float_top1)) > 4 else -8):.1f}">'
               "int8</text>")
    return svg


def draw(rows):
    svg = [f'<text class="title" x="{LEFT}" y="20">Top-1 accuracy in %, over bits a weight of the whole model</text>']
    notes = ["From left to right more weights have second words, from none to all. Nothing was fine-tuned.",
             "One image is 0.15 points."]
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
    return svg_document("Weights of four bits: accuracy over bits a weight", STYLE, svg, HEIGHT)


def svg_document(title, style, elements, height):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{title}</title>", f"<style>{style}</style>", *elements, "</svg>", ""])


def run_commands(description, path, columns, measure, table, draw, options=()):
    """The subcommands measure, table and plot of a script whose rows are in the CSV file `path`. options: of measure,
    besides those that all have, as add_argument() takes them."""
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
