"""ONNX Runtime: float graphs, its dynamic int8 and its static int8 with calibration."""

import logging
import pathlib

import numpy
import onnx
import onnxruntime
import onnxruntime.quantization
import onnxruntime.quantization.shape_inference

import vit_onnx

VERSION = onnxruntime.__version__


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Its threads must not go on spinning while others are measured.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def dynamic_graph(source, target):
    """Products with constant weights in int8, activations quantized as they come: its usual int8 for transformers."""
    onnxruntime.quantization.quantize_dynamic(source, target, op_types_to_quantize=["MatMul"], per_channel=True,
                                              weight_type=onnxruntime.quantization.QuantType.QInt8)
    quantized = sum(node.op_type in ("MatMulInteger", "DynamicQuantizeMatMul") for node in onnx.load(target).graph.node)
    if quantized != 4 * vit_onnx.DEPTH + 1:
        raise RuntimeError(f"{quantized} matrix products were quantized, expected {4 * vit_onnx.DEPTH + 1}")


class Images(onnxruntime.quantization.CalibrationDataReader):
    def __init__(self):
        self.left = iter(vit_onnx.images(8))

    def get_next(self):
        image = next(self.left, None)
        return None if image is None else {"image": image}


def static_graph(source, target):
    """Quantize and dequantize nodes around all products, attention's too, with ranges from calibration."""
    prepared = pathlib.Path(target).with_suffix(".prepared")
    onnxruntime.quantization.shape_inference.quant_pre_process(str(source), str(prepared))
    onnxruntime.quantization.quantize_static(
        prepared, target, Images(), quant_format=onnxruntime.quantization.QuantFormat.QDQ, per_channel=True,
        op_types_to_quantize=["MatMul", "Gemm", "Conv"], activation_type=onnxruntime.quantization.QuantType.QUInt8,
        weight_type=onnxruntime.quantization.QuantType.QInt8)
    prepared.unlink()


def prepare(setup, name, threads, folder, streams=1):
    """A function that runs an image and returns its logits, which several threads may call where `streams` are more than
    one; an image, and the float model's logits for it."""
    logging.getLogger().setLevel(logging.ERROR)
    image = vit_onnx.images(1)[0]

    def runner(path):
        model = session(path, threads // streams)
        return lambda image: model.run(["logits"], {"image": image})[0][0]

    float_path = vit_onnx.float_graph(name, folder)
    expected = numpy.array(runner(float_path)(image))
    if setup == "float32":
        return runner(float_path), image, expected
    quantized = pathlib.Path(folder) / f"{name}.onnxruntime.{setup}.onnx"
    if not quantized.exists():
        {"int8-dynamic": dynamic_graph, "int8-static": static_graph}[setup](float_path, quantized)
    return runner(quantized), image, expected
