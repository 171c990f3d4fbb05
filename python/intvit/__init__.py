"""Integer-only Vision Transformer inference.

    import intvit
    model = intvit.Model("model.safetensors")
    for entry in model.topk("photo.jpg", k=5):
        print(f"{entry.probability:.2%} {entry.label}")

Every method takes one image or several, and gives the same integers on every machine. An image is a Pillow image, a numpy
array of height x width x 3 bytes (RGB; height x width and height x width x 1 are grey) or what numpy makes one of, a path,
an open file, the bytes of a picture file, or a Frame, which is what cameras and OpenCV give. A picture that says how it
is to be turned (EXIF) is turned, be it a file or Pillow's. Several images are an iterable of such, which is read while
images before them are run, or an array of count x height x width x 3 bytes.
"""
from __future__ import annotations

import collections
import concurrent.futures
import functools
import itertools
import os
import threading
from typing import Any, Callable, Iterable, Iterator, List, Literal, NamedTuple, Optional, Tuple

import numpy as np

from . import _intvit
from ._intvit import Error

__all__ = ["Class", "Error", "Frame", "Model", "isas", "__version__"]
__version__ = _intvit.version()


class Class(NamedTuple):
    """A class or label that a model finds likely; the probability of a label is independent of the others'."""

    index: int
    label: Optional[str]
    logit: int
    probability: float


def isas() -> List[str]:
    """The instruction sets that were built and that this processor has, slowest first."""
    return _intvit.isas()


_FORMATS = ("rgb", "bgr", "rgba", "bgra", "rgbx", "grey", "nv12", "nv21", "i420", "yuyv", "uyvy")
_CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "rgbx": 4, "yuyv": 2, "uyvy": 2}


def _number(name: str, value: str, names: tuple) -> int:
    if value not in names:
        raise ValueError(f"{name} is one of {', '.join(names)}, not {value}")
    return names.index(value)


class Frame:
    """A picture as a camera or OpenCV gives it, which every method of Model takes as an image.

    pixels: a uint8 array, of height x width (grey), height x width x 3 (rgb, bgr), x 4 (rgba, bgra, rgbx) or x 2 (yuyv,
        uyvy). Of nv12, nv21 and i420 one array of height * 3/2 x width, as OpenCV has them, or a tuple of planes. Or, with
        `size`, a buffer of bytes with dense rows. Nothing is copied where rows are dense.
    format: "rgb", "bgr", "rgba", "bgra", "rgbx" (the fourth byte is not looked at), "grey", "nv12", "nv21", "i420",
        "yuyv" or "uyvy".
    size: (width, height) of the frame, where the pixels do not say it.
    region: (left, top, width, height) of the part that is meant; None: all.
    mirrored, quarter_turns: the region is mirrored left to right, then turned clockwise, 0 to 3 times.
    space, full_range: which colours y, u and v stand for: "bt601" or "bt709"; all from 0 to 255, or y from 16 to 235.
    """

    def __init__(
        self,
        pixels: Any,
        format: str,
        *,
        size: Optional[Tuple[int, int]] = None,
        region: Optional[Tuple[int, int, int, int]] = None,
        mirrored: bool = False,
        quarter_turns: int = 0,
        space: str = "bt601",
        full_range: bool = False,
    ) -> None:
        number = _number("format", format, _FORMATS)
        space_number = _number("space", space, ("bt601", "bt709"))
        if isinstance(pixels, (bytes, bytearray, memoryview)):
            if size is None:
                raise ValueError("bytes do not tell the frame's size: give it as size=(width, height)")
            pixels = np.frombuffer(bytes(pixels) if isinstance(pixels, bytearray) else pixels, np.uint8)
        planes = tuple(map(_plane, pixels if isinstance(pixels, tuple) else (pixels,)))
        if format == "i420" and len(planes) == 1:  # its rows of colours are no rows of the array
            planes = (np.ascontiguousarray(planes[0]),)
        if size is None:
            size = _size(planes, format)
        numbers = (*size, *(region or (0, 0, 0, 0)), bool(mirrored), quarter_turns)
        # Kept as they are: the library reads them when a model runs.
        self._fields = (number, space_number, int(full_range), *map(int, numbers), planes)


def _plane(array: Any) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype != np.uint8:
        raise TypeError(f"a frame's samples are uint8, not {array.dtype}")
    if array.ndim not in (1, 2, 3) or array.size == 0:
        raise ValueError(f"a frame's plane is rows of samples, not an array of {' x '.join(map(str, array.shape))}")
    # Rows may be apart, but in order, and samples are side by side.
    if array.ndim == 1:
        return np.ascontiguousarray(array)
    dense = array[0].flags.c_contiguous and array.strides[0] >= array[0].size
    return array if dense else np.array(array, order="C", copy=True)


def _size(planes: Tuple[np.ndarray, ...], format: str) -> Tuple[int, int]:
    """The width and height of a frame whose first plane, or all of it, is an array."""
    shape = planes[0].shape
    channels = _CHANNELS.get(format)
    if channels is not None:
        if len(shape) != 3 or shape[2] != channels:
            raise ValueError(f"{format} is height x width x {channels}, not {' x '.join(map(str, shape))}")
        return shape[1], shape[0]
    if len(shape) != 2:
        raise ValueError(f"{format} is rows of bytes, not {' x '.join(map(str, shape))}; or give size=(width, height)")
    width, rows = shape[1], shape[0]
    if format == "grey" or len(planes) > 1:
        return width, rows
    if width % 2 or rows % 3:
        raise ValueError(f"{rows} rows of {width} bytes are no {format} of even sides: give planes, or bytes and size")
    return width, rows // 3 * 2


def _pixels(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8:
        raise TypeError(f"pixels are uint8, not {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim == 3 and array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(f"an image is height x width x 3, not {' x '.join(map(str, array.shape))}")
    # Rows may be apart, but neither pixels nor may rows lie in one another: a stride of 0, of an array that repeats one
    # row, means something else to the library.
    dense = array.strides[1:] == (3, 1) and abs(array.strides[0]) >= 3 * array.shape[1] > 0
    return array if dense else np.array(array, order="C", copy=True)


def _upright(image: Any) -> Any:
    """A Pillow image turned as its EXIF data say, as files are."""
    if getattr(image, "getexif", None) is None or image.getexif().get(0x0112, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _image(image: Any) -> Any:
    if isinstance(image, Frame):
        return image._fields
    if isinstance(image, np.ndarray):
        return _pixels(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        with open(image, "rb") as file:
            return file.read()
    if hasattr(image, "convert"):  # Pillow's, without depending on it
        return _pixels(np.asarray(_upright(image).convert("RGB")))
    if hasattr(image, "__array__"):
        return _pixels(np.asarray(image))
    if hasattr(image, "read"):
        content = image.read()
        if not isinstance(content, bytes):
            raise TypeError("an open file of an image must be opened in binary mode")
        return content
    kinds = "Pillow's, numpy's, a path, an open file, bytes and a Frame are"
    raise TypeError(f"a {type(image).__name__} is no image: {kinds}")


def _is_one(images: Any) -> bool:
    """Whether this is an image and not several."""
    if isinstance(images, np.ndarray):
        return images.ndim != 4
    if isinstance(images, (bytes, bytearray, memoryview, str, os.PathLike, Frame)):
        return True
    if hasattr(images, "convert") or hasattr(images, "read"):
        return True
    if hasattr(images, "__array__"):
        return np.asarray(images).ndim != 4
    return not isinstance(images, Iterable)


def _model(model: Any, isa: Optional[str], threads: int, max_batch: int) -> "Model":
    return Model(model, isa=isa, threads=threads, max_batch=max_batch)


class Model:
    """A model file, loaded. Any number of threads may use one model at once; the interpreter's lock is released.

    model: a path, or the file's bytes.
    isa: the instruction set to use, one of isas(); None: the fastest, or $INTVIT_ISA.
    threads: for each call; 0: as many as the process may use.
    max_batch: how many images are run at once, about: of more than that every thread takes some, decodes and runs them by
        itself, and at least one. At most twice as many are in memory, besides what is decoded.
    """

    def __init__(self, model: Any, *, isa: Optional[str] = None, threads: int = 0, max_batch: int = 8) -> None:
        if isinstance(model, (bytes, bytearray, memoryview)):
            model = bytes(model)
            self._core = _intvit.Core.from_bytes(model, isa, threads, max_batch)
        else:
            model = os.path.abspath(os.fsdecode(model))
            if "\0" in model:
                raise ValueError("a path cannot hold a null character")
            self._core = _intvit.Core.open(os.fsencode(model), isa, threads, max_batch)
        self._arguments = (model, isa, threads, max_batch)
        self._labels = self._core.labels()

    def __reduce__(self) -> tuple:
        """Copied and pickled by what it was made of: a path, which must then lead to the same file, or the bytes."""
        return _model, self._arguments

    def logits(self, images: Any, *, exact: bool = False) -> np.ndarray:
        """int32 [classes], or [count, classes] for several images, in units of 2**-fraction_bits.

        One for each class, label or score; scores are these numbers times 2**-fraction_bits.

        exact: the pixels have the model's size already and are taken as they are.
        """
        return self._run(images, exact, False)

    def features(self, images: Any, *, exact: bool = False, normalize: bool = False) -> np.ndarray:
        """int32 [features], or [count, features]: what the classifier looks at, in units of 2**-feature_fraction_bits.

        They are the image's embedding: the cosine of the angle between two images' features tells how alike they are.

        normalize: float32 instead, each image's features brought to length 1, so that products are cosines.
        """
        features = self._run(images, exact, True)
        if not normalize:
            return features
        real = features.astype(np.float64)
        length = np.linalg.norm(real, axis=-1, keepdims=True)
        return (real / np.where(length > 0, length, 1)).astype(np.float32)

    def _run(self, images: Any, exact: bool, features: bool) -> np.ndarray:
        parts = list(self._parts(images, functools.partial(self._core.run, exact=exact, features=features)))
        if not parts:
            width = self._core.features if features else self._core.classes
            return np.empty((0, width), np.int32)
        values = np.concatenate(parts)
        return values[0] if _is_one(images) else values

    def _parts(self, images: Any, run: Callable[..., np.ndarray]) -> Iterator[np.ndarray]:
        """What `run` gives for the images in the form that the compiled part takes, for some of them at a time."""

        lock = threading.Lock()

        def load(image: Any) -> Any:
            if isinstance(image, (str, os.PathLike)):
                return _image(image)
            with lock:  # the same object may be there twice, and Pillow's images and open files are read when asked
                return _image(image)

        def run_part(part: list, runs: Optional[_intvit.Runs], main: bool) -> np.ndarray:
            return run([load(image) for image in part], runs=runs, main_thread=main)

        threads, most = self._core.threads, self._core.max_batch
        rest = iter([images] if _is_one(images) else images)
        first = list(itertools.islice(rest, most + 1))
        rest = itertools.chain(first, rest)
        if threads == 1 or len(first) <= most:
            while part := list(itertools.islice(rest, most)):
                yield run_part(part, None, threading.current_thread() is threading.main_thread())
            return
        runs = _intvit.Runs()
        waiting: collections.deque = collections.deque()
        pool = concurrent.futures.ThreadPoolExecutor(threads)
        try:
            while part := list(itertools.islice(rest, self._core.share)):
                waiting.append(pool.submit(run_part, part, runs, False))
                if len(waiting) == 2 * threads:
                    yield waiting[0].result()
                    waiting.popleft()
            while waiting:
                yield waiting[0].result()
                waiting.popleft()
        finally:  # after an error or Ctrl-C there is some left
            for future in waiting:
                future.cancel()
            while not all(future.done() for future in waiting):
                runs.cancel()
                concurrent.futures.wait(waiting, 0.01)
            pool.shutdown()

    def topk(self, images: Any, k: int = 5, *, exact: bool = False) -> list:
        """The k most likely classes or labels, or a list of such lists for several images. Scores have no order: Error."""
        rows = itertools.chain.from_iterable(self._parts(images, functools.partial(self._core.topk, k=k, exact=exact)))
        found = [
            [
                Class(int(index), self._labels[index] if self._labels else None, int(logit), millionths / 1e6)
                for index, logit, millionths in row.reshape(-1, 3)
            ]
            for row in rows
        ]
        return found[0] if _is_one(images) else found

    @property
    def outputs(self) -> Literal["classes", "labels", "scores", "features"]:
        """What the model gives: "classes", which exclude one another; "labels", each of which holds or not by itself;
        "scores", numbers without a probability; or "features" alone."""
        return self._core.outputs

    @property
    def labels(self) -> List[str]:
        """The name of each class, label or score, or none."""
        return list(self._labels)

    @property
    def width(self) -> int:
        return self._core.width

    @property
    def height(self) -> int:
        return self._core.height

    @property
    def classes(self) -> int:
        """How many there are, or labels or scores; 0 for a model that gives features alone."""
        return self._core.classes

    @property
    def feature_count(self) -> int:
        """How many features an image has; 0 for a classifier quantized before classifiers had any."""
        return self._core.features

    @property
    def fraction_bits(self) -> int:
        return self._core.fraction_bits

    @property
    def feature_fraction_bits(self) -> int:
        return self._core.feature_fraction_bits

    @property
    def recipe(self) -> str:
        """How an image becomes the model's input."""
        return self._core.recipe

    @property
    def isa(self) -> str:
        return self._core.isa

    @property
    def threads(self) -> int:
        return self._core.threads

    @property
    def weight_bytes(self) -> int:
        """Memory of the packed weights, shared by all threads."""
        return self._core.weight_bytes

    @property
    def arena_bytes(self) -> int:
        """Memory besides for each thread that runs the model at the same time."""
        return self._core.arena_bytes

    def __repr__(self) -> str:
        count = self.feature_count if self.outputs == "features" else self.classes
        return f"<intvit.Model {self.width} x {self.height}, {count} {self.outputs}, {self.isa}>"
