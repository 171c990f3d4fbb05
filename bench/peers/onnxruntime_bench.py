"""Compares `intvit bench` with ONNX Runtime on Vision Transformers with random weights.

The graphs are written here, in float; ONNX Runtime's own dynamic quantization makes their matrix products with
constant weights int8 (8-bit activations, quantized as they come), which is its usual int8 for transformers. Speed does
not depend on the weights' values.

Both programs run in turn, round after round, on as many threads, so that a drifting clock meets both alike. Times are
medians over all rounds. Start it with onnxruntime.sh.
"""

import argparse
import json
import logging
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper
import onnxruntime
import onnxruntime.quantization

ROOT = pathlib.Path(__file__).resolve().parents[2]

IMAGE = 224
PATCH = 16
CLASSES = 1000
DEPTH = 12
# Channels and heads of the architectures by timm's names.
ARCHITECTURES = {
    "deit_tiny_patch16_224": (192, 3),
    "deit_small_patch16_224": (384, 6),
    "deit_base_patch16_224": (768, 12),
}


class GraphWriter:
    """Collects the nodes and random weights of an ONNX graph."""

    def __init__(self):
        self.nodes = []
        self.initializers = []
        self.random = numpy.random.default_rng(1)

    def constant(self, name, values):
        self.initializers.append(onnx.numpy_helper.from_array(values, name))
        return name

    def weight(self, name, *shape, scale):
        return self.constant(name, self.random.standard_normal(shape, dtype=numpy.float32) * numpy.float32(scale))

    def integers(self, name, *values):
        return self.constant(name, numpy.array(values, dtype=numpy.int64))

    def node(self, operation, inputs, output, **attributes):
        self.nodes.append(onnx.helper.make_node(operation, inputs, [output], name=output, **attributes))
        return output

    def linear(self, name, x, inputs, outputs):
        weight = self.weight(name + ".weight", inputs, outputs, scale=inputs**-0.5)
        bias = self.weight(name + ".bias", outputs, scale=0.1)
        return self.node("Add", [self.node("MatMul", [x, weight], name + ".product"), bias], name)

    def layer_norm(self, name, x, channels):
        gamma = self.constant(name + ".gamma", numpy.ones(channels, dtype=numpy.float32))
        beta = self.weight(name + ".beta", channels, scale=0.1)
        return self.node("LayerNormalization", [x, gamma, beta], name, axis=-1, epsilon=1e-6)

    def attention(self, name, x, channels, heads):
        head_dim = channels // heads
        tokens = (IMAGE // PATCH) ** 2 + 1
        qkv = self.linear(name + ".qkv", x, channels, 3 * channels)
        shape = self.integers(name + ".heads", 1, tokens, 3, heads, head_dim)
        split = self.node("Reshape", [qkv, shape], name + ".split")
        parts = []
        # Keys are transposed for the scores: [1, heads, head_dim, tokens].
        for index, (part, order) in enumerate((("q", (0, 2, 1, 3)), ("k", (0, 2, 3, 1)), ("v", (0, 2, 1, 3)))):
            taken = self.node("Gather", [split, self.constant(f"{name}.{part}.index", numpy.int64(index))],
                              f"{name}.{part}.taken", axis=2)
            parts.append(self.node("Transpose", [taken], f"{name}.{part}", perm=order))
        scale = self.constant(name + ".scale", numpy.float32(head_dim**-0.5))
        scores = self.node("Mul", [self.node("MatMul", parts[:2], name + ".scores"), scale], name + ".scaled")
        weights = self.node("Softmax", [scores], name + ".weights", axis=-1)
        values = self.node("MatMul", [weights, parts[2]], name + ".values")
        rows = self.node("Transpose", [values], name + ".rows", perm=(0, 2, 1, 3))
        merged = self.node("Reshape", [rows, self.integers(name + ".shape", 1, tokens, channels)], name + ".merged")
        return self.linear(name + ".proj", merged, channels, channels)


def vision_transformer(channels, heads):
    """A plain ViT in float, batch 1, as timm exports it."""
    writer = GraphWriter()
    patches = (IMAGE // PATCH) ** 2
    kernel = writer.weight("patch_embed.weight", channels, 3, PATCH, PATCH, scale=(3 * PATCH * PATCH) ** -0.5)
    bias = writer.weight("patch_embed.bias", channels, scale=0.1)
    x = writer.node("Conv", ["image", kernel, bias], "patch_embed", kernel_shape=(PATCH, PATCH), strides=(PATCH, PATCH))
    x = writer.node("Reshape", [x, writer.integers("patch_embed.shape", 1, channels, patches)], "patch_embed.flat")
    x = writer.node("Transpose", [x], "patch_embed.rows", perm=(0, 2, 1))
    token = writer.weight("cls_token", 1, 1, channels, scale=1)
    x = writer.node("Concat", [token, x], "tokens", axis=1)
    x = writer.node("Add", [x, writer.weight("pos_embed", 1, patches + 1, channels, scale=0.5)], "stream")
    for layer in range(DEPTH):
        name = f"blocks.{layer}"
        attention = writer.attention(name + ".attn", writer.layer_norm(name + ".norm1", x, channels), channels, heads)
        x = writer.node("Add", [x, attention], name + ".middle")
        hidden = writer.linear(name + ".fc1", writer.layer_norm(name + ".norm2", x, channels), channels, 4 * channels)
        hidden = writer.node("Gelu", [hidden], name + ".gelu")
        x = writer.node("Add", [x, writer.linear(name + ".fc2", hidden, 4 * channels, channels)], name)
    first = writer.node("Gather", [x, writer.constant("first", numpy.int64(0))], "class_token", axis=1)
    writer.linear("logits", writer.layer_norm("norm", first, channels), channels, CLASSES)
    graph = onnx.helper.make_graph(
        writer.nodes, "vit",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, IMAGE, IMAGE])],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, CLASSES])], writer.initializers)
    # Opset 20 has Gelu. The version of the file format is the oldest that goes with it, which every runtime reads.
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


class Peer:
    """One graph in ONNX Runtime."""

    def __init__(self, path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Its threads must not go on spinning while the other program is measured.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.image = numpy.random.default_rng(2).standard_normal((1, 3, IMAGE, IMAGE), dtype=numpy.float32)
        self.milliseconds = []

    def logits(self):
        return self.session.run(["logits"], {"image": self.image})[0][0]

    def measure(self, seconds, warmup):
        for _ in range(warmup):
            self.logits()
        end = time.perf_counter() + seconds
        runs = 0
        while runs < 5 or time.perf_counter() < end:
            begin = time.perf_counter()
            self.logits()
            self.milliseconds.append((time.perf_counter() - begin) * 1e3)
            runs += 1

    def median(self):
        return statistics.median(self.milliseconds)


def write_graphs(name, folder):
    """The paths of the float and the int8 graph."""
    logging.getLogger().setLevel(logging.ERROR)  # it advises a preparation that finds nothing to do here
    float_path = folder / f"{name}.onnx"
    int8_path = folder / f"{name}.int8.onnx"
    onnx.save(vision_transformer(*ARCHITECTURES[name]), float_path)
    onnxruntime.quantization.quantize_dynamic(float_path, int8_path, op_types_to_quantize=["MatMul"],
                                              weight_type=onnxruntime.quantization.QuantType.QInt8)
    quantized = sum(node.op_type in ("MatMulInteger", "DynamicQuantizeMatMul")
                    for node in onnx.load(int8_path).graph.node)
    if quantized != 4 * DEPTH + 1:
        sys.exit(f"{name}: {quantized} matrix products were quantized, expected {4 * DEPTH + 1}")
    return float_path, int8_path


def check_agreement(name, float_peer, int8_peer):
    """The int8 graph must be the same model: random logits would have a cosine near 0."""
    a, b = float_peer.logits(), int8_peer.logits()
    cosine = float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))
    if not cosine > 0.9:
        sys.exit(f"{name}: the int8 graph's logits do not follow the float graph's (cosine {cosine:.3f})")


def run_intvit(program, name, threads, seconds, warmup):
    command = [program, "bench", "--arch", name, "-t", str(threads), "--seconds", str(seconds), "--warmup", str(warmup),
               "--roofline", "-o", "json"]
    outcome = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {outcome.returncode}")
    return json.loads(outcome.stdout)


def compare(program, name, threads, graphs, options):
    """One row of the table."""
    float_peer, int8_peer = (Peer(path, threads) for path in graphs)
    check_agreement(name, float_peer, int8_peer)
    milliseconds = []
    peaks = []
    for _ in range(options.rounds):
        int8_peer.measure(options.seconds, options.warmup)
        report = run_intvit(program, name, threads, options.seconds, options.warmup)
        float_peer.measure(options.seconds, options.warmup)
        result = report["results"][0]
        milliseconds += result["samples_ms"]
        peaks += result["peak_samples_gmac_per_s"]
    ours = statistics.median(milliseconds)
    return {"arch": name, "threads": threads, "isa": result["isa"], "onnxruntime_float_ms": float_peer.median(),
            "onnxruntime_int8_ms": int8_peer.median(), "intvit_ms": ours, "ratio": int8_peer.median() / ours,
            "peak_gmac_per_s": statistics.median(peaks), "environment": report["environment"]}


def names(text):
    chosen = text.split(",")
    for name in chosen:
        if name not in ARCHITECTURES:
            raise argparse.ArgumentTypeError(f"unknown architecture {name!r}; known are: {', '.join(ARCHITECTURES)}")
    return chosen


def positive(convert):
    def parse(text):
        value = convert(text)
        if not value > 0:
            raise ValueError
        return value

    parse.__name__ = f"positive {convert.__name__}"
    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", type=names, default=list(ARCHITECTURES), metavar="NAME,...",
                        help="architectures (default: all three DeiTs)")
    parser.add_argument("-t", "--threads", type=positive(int), default=1)
    parser.add_argument("--rounds", type=positive(int), default=5, help="how often both take their turn")
    parser.add_argument("--seconds", type=positive(float), default=2.0, help="of a turn")
    parser.add_argument("--warmup", type=positive(int), default=3, help="runs of a turn that are not counted")
    parser.add_argument("--intvit", default=str(ROOT / "build/release/bin/intvit"), help="the program")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args()
    if not os.access(options.intvit, os.X_OK):
        sys.exit(f"{options.intvit}: no such program; build it or name it with --intvit")

    rows = []
    for name in options.arch:
        with tempfile.TemporaryDirectory() as folder:
            graphs = write_graphs(name, pathlib.Path(folder))
            rows.append(compare(options.intvit, name, options.threads, graphs, options))
    mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in rows))
    if options.json:
        print(json.dumps({"onnxruntime": onnxruntime.__version__, "rows": rows, "geometric_mean": mean}, indent=2))
        return
    environment = rows[0]["environment"]
    print(f"intvit {environment['intvit']} ({rows[0]['isa']}) and ONNX Runtime {onnxruntime.__version__} on "
          f"{environment['processor']}, threads: {options.threads}, batch 1\n")
    print("| model | ONNX Runtime float ms | ONNX Runtime int8 ms | intvit ms | int8 / intvit | peak GMAC/s |")
    print("|---|--:|--:|--:|--:|--:|")
    for row in rows:
        print(f"| {row['arch']} | {row['onnxruntime_float_ms']:.2f} | {row['onnxruntime_int8_ms']:.2f} | "
              f"{row['intvit_ms']:.2f} | {row['ratio']:.2f} | {row['peak_gmac_per_s']:.0f} |")
    print(f"\nGeometric mean of int8 / intvit: {mean:.2f}")


if __name__ == "__main__":
    main()
