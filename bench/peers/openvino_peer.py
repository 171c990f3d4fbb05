"""OpenVINO: float32, its own choice of precision for float models, and int8 by NNCF's post-training quantization."""

import logging
import pathlib

import nncf
import numpy
import openvino

import vit_onnx

VERSION = f"{openvino.__version__.split('-')[0]}, NNCF {nncf.__version__}"


def int8_model(core, source, target):
    logging.getLogger("nncf").setLevel(logging.ERROR)
    images = nncf.Dataset(vit_onnx.images(8), lambda image: {"image": image})
    model = nncf.quantize(core.read_model(source), images, model_type=nncf.ModelType.TRANSFORMER, subset_size=8)
    openvino.save_model(model, target, compress_to_fp16=False)


def prepare(setup, name, threads, folder):
    """A function that runs one image and returns its logits, and the float model's logits for the same image."""
    core = openvino.Core()
    image = vit_onnx.images(1)[0]

    def runner(path, **more):
        settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads, **more}
        request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
        return lambda: request.infer([image], share_inputs=True)[0][0]

    float_path = vit_onnx.float_graph(name, folder)
    expected = numpy.array(runner(float_path, INFERENCE_PRECISION_HINT="f32")())
    if setup == "float32":
        return runner(float_path, INFERENCE_PRECISION_HINT="f32"), expected
    if setup == "default":
        return runner(float_path), expected
    quantized = pathlib.Path(folder) / f"{name}.openvino.int8.xml"
    if not quantized.exists():
        int8_model(core, float_path, quantized)
    return runner(quantized), expected
