"""Integer-only Vision Transformer inference.

    import intvit
    model = intvit.load("cifar10")                 # the model that the package brings
    model = intvit.quantize("my_vit", "photographs", "my_vit.intvit.safetensors")
    model = intvit.Model("my_vit.intvit.safetensors")
    for entry in model.topk("photo.jpg", k=5):
        print(f"{entry.probability:.2%} {entry.label}")

A model gives the same integers on every machine. An image is a Pillow image, a numpy array of height x width x 3 bytes
(RGB; height x width and height x width x 1 are grey) or what numpy makes one of, a path, an open file, the bytes of a
picture file, or a Frame, which is what cameras and OpenCV give. A picture that says how it is to be turned (EXIF) is
turned, be it a file or Pillow's. Several images are an iterable of such (a list, a generator, Path.glob, a column of
pandas), which is read while images before them are run, or an array of count x height x width x 3 bytes.
"""
from __future__ import annotations

from typing import Any, List

from . import _library
from ._frame import Frame
from ._library import Error
from ._model import Class, Model, Predictions
from ._program import SHIPPED_MODEL
from ._quantize import quantize
from ._stream import ImageError

__all__ = ["Class", "Error", "Frame", "ImageError", "Model", "Predictions", "isas", "load", "quantize", "__version__"]
__version__ = _library.version()


def isas() -> List[str]:
    """The instruction sets that were built and that this processor has, slowest first."""
    return _library.isas()


def load(name: str = "cifar10", **options: Any) -> Model:
    """The model of that name that the package brings; options as of Model.

    "cifar10": ten classes in 32 x 32 pixels, to try things with.
    """
    if name != "cifar10":
        raise ValueError(f'the package brings one model, "cifar10", not "{name}"; a file is opened with intvit.Model()')
    return Model(SHIPPED_MODEL, **options)
