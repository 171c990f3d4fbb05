"""PyTorch: timm's models, eager and compiled, in float32 and bfloat16."""

import numpy
import timm
import torch
import torch._inductor.config

VERSION = f"{torch.__version__.split('+')[0]}, timm {timm.__version__}"


def prepare(setup, name, threads, folder):
    """A function that runs an image and returns its logits; an image, and the float model's logits for it."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = timm.create_model(name, pretrained=False).eval()
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected = model(image)[0].numpy().copy()
    precision, mode = setup.split("-")
    if precision == "bfloat16":
        model, image = model.to(torch.bfloat16), image.to(torch.bfloat16)
    if mode == "compiled":
        # Without it weights stay as they are; with it they are arranged for the products beforehand.
        torch._inductor.config.freezing = True
        model = torch.compile(model)

    def run(image):
        with torch.no_grad():
            return model(image)[0].float().numpy()

    return run, image, numpy.array(expected)
