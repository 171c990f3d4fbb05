"""Float Vision Transformers with random weights as ONNX graphs, batch 1, of the operations that timm's export has.

Speed does not depend on the weights' values, but what a quantizer makes of them should still compute the same model:
they are scaled so that activations stay in range through all blocks.
"""

import os
import pathlib

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper

IMAGE = 224
DEPTH = 12
# Channels, heads, side of a patch and outputs of the architectures by timm's names, and whether they are CLIP's image
# tower: a LayerNorm before the blocks, a patch embedding without bias, and a projection.
ARCHITECTURES = {
    "deit_tiny_patch16_224": (192, 3, 16, 1000, False),
    "deit_small_patch16_224": (384, 6, 16, 1000, False),
    "deit_base_patch16_224": (768, 12, 16, 1000, False),
    "vit_base_patch32_clip_224": (768, 12, 32, 512, True),
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

    def attention(self, name, x, channels, heads, tokens):
        head_dim = channels // heads
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


def vision_transformer(channels, heads, patch, outputs, clip):
    """A plain ViT in float, batch 1, as timm exports it."""
    writer = GraphWriter()
    patches = (IMAGE // patch) ** 2
    kernel = writer.weight("patch_embed.weight", channels, 3, patch, patch, scale=(3 * patch * patch) ** -0.5)
    bias = [] if clip else [writer.weight("patch_embed.bias", channels, scale=0.1)]
    x = writer.node("Conv", ["image", kernel, *bias], "patch_embed", kernel_shape=(patch, patch), strides=(patch, patch))
    x = writer.node("Reshape", [x, writer.integers("patch_embed.shape", 1, channels, patches)], "patch_embed.flat")
    x = writer.node("Transpose", [x], "patch_embed.rows", perm=(0, 2, 1))
    token = writer.weight("cls_token", 1, 1, channels, scale=1)
    x = writer.node("Concat", [token, x], "tokens", axis=1)
    x = writer.node("Add", [x, writer.weight("pos_embed", 1, patches + 1, channels, scale=0.5)], "stream")
    if clip:
        x = writer.layer_norm("norm_pre", x, channels)
    for layer in range(DEPTH):
        name = f"blocks.{layer}"
        attention = writer.attention(name + ".attn", writer.layer_norm(name + ".norm1", x, channels), channels, heads,
                                     patches + 1)
        x = writer.node("Add", [x, attention], name + ".middle")
        hidden = writer.linear(name + ".fc1", writer.layer_norm(name + ".norm2", x, channels), channels, 4 * channels)
        hidden = writer.node("Gelu", [hidden], name + ".gelu")
        x = writer.node("Add", [x, writer.linear(name + ".fc2", hidden, 4 * channels, channels)], name)
    first = writer.node("Gather", [x, writer.constant("first", numpy.int64(0))], "class_token", axis=1)
    writer.linear("logits", writer.layer_norm("norm", first, channels), channels, outputs)
    graph = onnx.helper.make_graph(
        writer.nodes, "vit",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, IMAGE, IMAGE])],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, outputs])], writer.initializers)
    # Opset 20 has Gelu. The version of the file format is the oldest that goes with it, which every runtime reads.
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def images(count):
    """Random images as the graphs take them, and as calibration needs them."""
    random = numpy.random.default_rng(2)
    return [random.standard_normal((1, 3, IMAGE, IMAGE), dtype=numpy.float32) for _ in range(count)]


def float_graph(name, folder):
    """The path of the architecture's graph, which is written where it is missing."""
    path = pathlib.Path(folder) / f"{name}.onnx"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}")
        onnx.save(vision_transformer(*ARCHITECTURES[name]), temporary)
        temporary.rename(path)
    return path
