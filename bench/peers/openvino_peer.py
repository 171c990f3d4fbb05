"""OpenVINO: float32, its own choice of precision for float models, and int8 by NNCF's post-training quantization."""

import logging
import pathlib
import threading

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


def prepare(setup, name, threads, folder, streams=1):
    """A function that runs an image and returns its logits, which several threads may call where `streams` are more than
    one; an image, and the float model's logits for it."""
    core = openvino.Core()
    image = vit_onnx.images(1)[0]

    def runner(path, **more):
        hint = "LATENCY" if streams == 1 else "THROUGHPUT"
        settings = {"PERFORMANCE_HINT": hint, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": threads, **more}
        model = core.compile_model(core.read_model(path), "CPU", settings)
        own = threading.local()  # a request serves one thread

        def run(image):
            if not hasattr(own, "request"):
                own.request = model.create_infer_request()
            return own.request.infer([image], share_inputs=True)[0][0]

        return run

    float_path = vit_onnx.float_graph(name, folder)
    expected = numpy.array(runner(float_path, INFERENCE_PRECISION_HINT="f32")(image))
    if setup == "float32":
        return runner(float_path, INFERENCE_PRECISION_HINT="f32"), image, expected
    if setup == "default":
        return runner(float_path), image, expected
    quantized = pathlib.Path(folder) / f"{name}.openvino.int8.xml"
    if not quantized.exists():
        int8_model(core, float_path, quantized)
    return runner(quantized), image, expected
