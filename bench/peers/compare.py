#!/usr/bin/env python3
"""Compares `intvit bench` with ONNX Runtime, OpenVINO and PyTorch: the same architectures with random weights, the same
machine, batch and number of threads.

Installs every peer from PyPI into an environment of its own below build/peers, starts each of its setups as a process
that keeps its model ready, and lets all take turns, round after round, so that a drifting clock or a neighbour meets
all alike. Ratios are of the medians within a round; what is reported is the median over the rounds. A peer that cannot be
installed or does not run is reported with its reason, and the rest still run.

With --throughput as many images as there are threads run at once, each on one thread, in ONNX Runtime and OpenVINO and
in `intvit bench --sessions`.

Writes peers.json, peers.md and peers.svg into --output. With --files, a folder of JPEG and PNG files, it measures from
their bytes to classes instead: `intvit bench --files` and, for the int8 setups of ONNX Runtime and OpenVINO, Pillow
before the network, every file on one of the threads. A turn is a pass over the files. It then writes files.json and
files.md. Needs python3 with venv, and build/release/bin/intvit.
"""

import argparse
import datetime
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys

import figures

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "peers"

NAMES = {"deit_tiny_patch16_224": "DeiT-T", "deit_small_patch16_224": "DeiT-S", "deit_base_patch16_224": "DeiT-B",
         "vit_base_patch32_clip_224": "CLIP-B/32"}

# Ours with fewer tokens: not the same computation, so it stands among the setups.
MERGED_SPEED_UP = "1.5"

# Peer, setup, precision of its products, name, and how it was made.
SETUPS = [
    ("intvit", "merged", "int8", f"intvit, merged tokens {MERGED_SPEED_UP}x",
     f"`intvit bench --speed-up {MERGED_SPEED_UP}`: similar tokens become one, so that it computes {MERGED_SPEED_UP} times "
     "less than the others and gives other logits (docs/quantization.md, \"Token merging\"); the share of the int8 peak "
     "counts the whole model's products"),
    ("openvino", "int8", "int8", "OpenVINO int8",
     "the same ONNX graph through nncf.quantize() for transformers, calibrated; what is not int8 in OpenVINO's default "
     "precision"),
    ("onnxruntime", "int8-dynamic", "int8", "ONNX Runtime int8 dynamic",
     "quantize_dynamic(), all products with constant weights, a scale per channel"),
    ("onnxruntime", "int8-static", "int8", "ONNX Runtime int8 static",
     "quantize_static(), calibrated, QDQ around all products and the convolution, uint8 activations, int8 weights with "
     "a scale per channel"),
    ("openvino", "default", "bfloat16", "OpenVINO default",
     "an ONNX graph of the float model, OpenVINO's default precision: bfloat16 where the processor has it"),
    ("pytorch", "bfloat16-compiled", "bfloat16", "PyTorch bfloat16 compiled",
     "timm's model in bfloat16, torch.compile() with freezing"),
    ("pytorch", "bfloat16-eager", "bfloat16", "PyTorch bfloat16 eager", "timm's model in bfloat16"),
    ("openvino", "float32", "float32", "OpenVINO float32", "the ONNX graph, inference precision float32"),
    ("onnxruntime", "float32", "float32", "ONNX Runtime float32", "the ONNX graph, all graph optimizations"),
    ("pytorch", "float32-compiled", "float32", "PyTorch float32 compiled",
     "timm's model, torch.compile() with freezing"),
    ("pytorch", "float32-eager", "float32", "PyTorch float32 eager", "timm's model"),
]
PEERS = sorted({setup[0] for setup in SETUPS} - {"intvit"})


# With files: the setups of the peers that Pillow feeds, and what both sides make of a picture.
FILE_PEERS = ("onnxruntime", "openvino")
RECIPE = "resize=248,crop=224,filter=bicubic"


class Missing(Exception):
    """Why a peer does not run."""


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def install(peer):
    """The Python of the peer's environment, which is made where it is not there. Throws Missing."""
    environment = BUILD / peer
    requirements = HERE / "requirements" / f"{peer}.txt"
    python = environment / "bin" / "python"
    stamp = environment / "installed.txt"
    wanted = requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing {peer} into {environment}", file=sys.stderr)
    commands = [[sys.executable, "-m", "venv", environment],
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
                 "--only-binary", ":all:", "-r", requirements]]
    for command in commands:
        try:
            outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Missing(str(error)) from error
        if outcome.returncode != 0:
            raise Missing(f"cannot be installed: {last_line(outcome.stderr or outcome.stdout)}")
    stamp.write_text(wanted)
    return python


class Worker:
    """A setup's process, with its model ready. Throws Missing."""

    def __init__(self, python, peer, setup, arch, threads, folder, pictures=None):
        self.log = open(folder / f"{arch}.{peer}.{setup}.log", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [python, HERE / "worker.py", peer, setup, arch, str(threads), folder] + ([pictures] if pictures else []),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            self.ready = self.answer()
        except Missing:
            self.stop()
            raise

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise Missing(f"ended with code {self.process.returncode}: {last_line(self.log.read())}")
        answer = json.loads(line)
        if "error" in answer:
            raise Missing(answer["error"])
        return answer

    def measure(self, **request):
        """The median of a turn, in milliseconds."""
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # answer() tells why
        return statistics.median(self.answer()["samples_ms"])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


def run_intvit(program, arch, options):
    """A turn of ours: the JSON of `intvit bench`."""
    if options.throughput:
        report = ask_intvit(program, arch, options, 1, throughput(options))
        # The peak of as many threads is measured beside runs of one session.
        peak = ask_intvit(program, arch, options, options.threads, ["--seconds", "0.1", "--roofline"])
        report["results"][0]["peak_gmac_per_s"] = peak["results"][0]["peak_gmac_per_s"]
        return report
    return ask_intvit(program, arch, options, options.threads, work(options))


def throughput(options):
    return ["--sessions", str(options.threads), "--seconds", str(options.seconds), "--warmup", str(options.warmup)]


class Merged:
    """Ours with merged tokens in a worker's place."""

    def __init__(self, program, arch, options):
        self.ready = {"version": None, "cosine": None}
        threads, more = (1, throughput(options)) if options.throughput else (options.threads, work(options))
        self.ask = lambda: ask_intvit(program, arch, options, threads, [*more, "--speed-up", MERGED_SPEED_UP])

    def measure(self, **_):
        return image_ms(self.ask()["results"][0])

    def stop(self):
        pass


def work(options):
    """What intvit is asked to measure where that is no throughput."""
    if options.files:
        return ["--files", options.files, "--preprocess", RECIPE, "--runs", "1", "--warmup", "1"]
    return ["--seconds", str(options.seconds), "--warmup", str(options.warmup), "--roofline"]


def image_ms(result):
    """Milliseconds of an image: the median of all runs, or at that throughput. Of the other engines no run is left out
    because other programs disturbed it, so none of ours is."""
    times = result["samples_ms"] + result.get("put_aside_ms", [])
    if "sessions" in result:
        return statistics.fmean(times) / result["sessions"]
    return statistics.median(times)


def ask_intvit(program, arch, options, threads, more):
    command = [program, "bench", "--arch", arch, "-t", str(threads), "--weight-format", options.weight_format,
               "--format", "json", *more]

    def raise_priority():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(options.real_time))

    outcome = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                             preexec_fn=raise_priority if options.real_time else None)
    if outcome.returncode != 0:
        sys.exit(f"{shlex.join(command)}: {last_line(outcome.stderr)}")
    return json.loads(outcome.stdout)


def take_turns(workers, ours, rounds, measure):
    """Lets ours and all workers measure once a round, each round beginning with the next one. Returns what `ours`
    returned, the workers' lists of medians by key, and why those failed that did."""
    reports, times, failures = [], {key: [] for key in workers}, {}
    for index in range(rounds):
        turns = [None] + list(workers)
        start = index % len(turns)
        for key in turns[start:] + turns[:start]:
            if key is None:
                reports.append(ours())
            elif key not in failures:
                try:
                    times[key].append(measure(workers[key]))
                except Missing as reason:
                    failures[key] = str(reason)
    return reports, times, failures


def compare(arch, pythons, options):
    """One entry of a result's models, and the environment and versions seen."""
    folder = BUILD / "models"
    folder.mkdir(parents=True, exist_ok=True)
    workers, peers, versions = {}, {}, {}
    try:
        for peer, setup, _, name, _ in setups(options):
            key = f"{peer} {setup}"
            try:
                if isinstance(pythons.get(peer), Missing):
                    raise pythons[peer]
                print(f"{arch}: preparing {name}", file=sys.stderr)
                workers[key] = (Merged(options.intvit, arch, options) if peer == "intvit" else
                                Worker(pythons[peer], peer, setup, arch, options.threads, folder,
                                       "--throughput" if options.throughput else options.files))
                versions[key] = workers[key].ready["version"]
            except Missing as reason:
                peers[key] = {"missing": str(reason)}
        print(f"{arch}: measuring", file=sys.stderr)
        effort = ({"seconds": 0, "warmup": 0, "least": 1} if options.files else
                  {"seconds": options.seconds, "warmup": options.warmup})
        reports, times, failures = take_turns(
            workers, lambda: run_intvit(options.intvit, arch, options), options.rounds,
            lambda worker: worker.measure(real_time=options.real_time, **effort))
        for key, worker in workers.items():
            peers[key] = {"missing": failures[key]} if key in failures else {"ms": times[key],
                                                                             "cosine": worker.ready["cosine"]}
    finally:
        for worker in workers.values():
            worker.stop()
    results = [report["results"][0] for report in reports]
    if options.files:
        return {"arch": arch, "name": NAMES[arch], "isa": results[0]["isa"], "files": results[0]["files"],
                "ours_ms": [1e3 * result["passes_s"][0] for result in results],
                "ours_share": [result["share"] for result in results],
                "peers": peers}, reports[0]["environment"], versions
    return {"arch": arch, "name": NAMES[arch], "isa": results[0]["isa"], "gmac": results[0]["gmac"],
            "ours_ms": [image_ms(result) for result in results],
            "peak_gmac_per_s": [result["peak_gmac_per_s"] for result in results],
            "peers": peers}, reports[0]["environment"], versions


def setups(options):
    """Those of SETUPS that are measured."""
    if options.throughput:
        return [setup for setup in SETUPS if setup[0] in (*FILE_PEERS, "intvit")]
    return [setup for setup in SETUPS if not options.files or (setup[0] in FILE_PEERS and setup[2] == "int8")]


def words(known):
    def parse(text):
        chosen = text.split(",")
        for word in chosen:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")
        return chosen

    return parse


def positive(convert):
    def parse(text):
        value = convert(text)
        if not value > 0:
            raise ValueError
        return value

    parse.__name__ = f"positive {convert.__name__}"
    return parse


def write(result, folder):
    numbers = json.dumps(result, indent=1) + "\n"
    if result.get("recipe"):
        texts = {"files.json": numbers, "files.md": figures.files_markdown(result)}
    else:
        texts = {"peers.json": numbers, "peers.md": figures.markdown(result), "peers.svg": figures.drawing(result)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", type=words(NAMES), default=[name for name in NAMES if name.startswith("deit")],
                        metavar="NAME,...",
                        help="architectures: " + ", ".join(NAMES) + " (default: all three DeiTs)")
    parser.add_argument("--peers", type=words(PEERS), default=PEERS, metavar="NAME,...",
                        help=f"default: all of {', '.join(PEERS)}; PyTorch's packages take 2.6 GB")
    parser.add_argument("--files", metavar="FOLDER", help="measure from the bytes of these pictures to classes")
    parser.add_argument("--throughput", action="store_true",
                        help="run as many images at once as there are threads, each on one; times are an image's share")
    parser.add_argument("-t", "--threads", type=positive(int), default=1)
    parser.add_argument("--weight-format", choices=("int8", "int7"), default="int8",
                        help="intvit's; processors without VNNI multiply int7, weights in +-63, faster")
    parser.add_argument("--rounds", type=positive(int), default=5, help="how often each takes its turn")
    parser.add_argument("--seconds", type=positive(float), default=1.0, help="of a turn")
    parser.add_argument("--warmup", type=positive(int), default=3, help="runs of a turn that are not counted")
    parser.add_argument("--real-time", type=positive(int), default=0, metavar="PRIORITY",
                        help="while measuring, give everything this priority of the first-in-first-out scheduler: for "
                             "machines where other work runs; needs the right to do so")
    parser.add_argument("--intvit", default=str(ROOT / "build/release/bin/intvit"), help="the program")
    parser.add_argument("--output", type=pathlib.Path, default=BUILD, metavar="FOLDER", help="default: build/peers")
    options = parser.parse_args(arguments)
    if not os.access(options.intvit, os.X_OK):
        parser.exit(1, f"{options.intvit}: no such program; build it or name it with --intvit\n")
    if options.files and options.throughput:
        parser.error("give --files, which measures throughput anyway, or --throughput")
    if options.files and not os.path.isdir(options.files):
        parser.exit(1, f"{options.files}: no such folder\n")
    return options


def main():
    options = parse_options(sys.argv[1:])
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"{options.output}: {error.strerror}")
    pythons = {}
    for peer in sorted({setup[0] for setup in setups(options)} & set(PEERS)):
        try:
            if peer not in options.peers:
                raise Missing("left out by --peers")
            pythons[peer] = install(peer)
        except Missing as reason:
            pythons[peer] = reason
    for path in pathlib.Path(options.files).rglob("*") if options.files else []:
        if path.is_file():
            path.read_bytes()  # so that no turn is the first to read it from the disk
    models, versions, environment = [], {}, None
    for arch in options.arch:
        model, environment, seen = compare(arch, pythons, options)
        models.append(model)
        versions.update(seen)
    result = {
        "command": shlex.join(["bench/peers/compare.py"] + sys.argv[1:]),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "threads": options.threads, "throughput": options.throughput, "weight_format": options.weight_format,
        "rounds": options.rounds, "seconds": options.seconds,
        "real_time": options.real_time, "recipe": RECIPE if options.files else None, "environment": environment,
        "setups": [{"key": f"{peer} {setup}", "name": name, "precision": precision, "how": how,
                    "version": versions.get(f"{peer} {setup}")} for peer, setup, precision, name, how in setups(options)],
        "models": models,
    }
    write(result, options.output)
    print((figures.files_markdown if options.files else figures.markdown)(result), end="")


if __name__ == "__main__":
    main()
