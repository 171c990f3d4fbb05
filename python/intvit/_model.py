"""A model and what it says about images."""
from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, Literal, NamedTuple, Optional, Tuple, Union, cast, overload

import numpy as np
import numpy.typing as npt

from ._images import Image, Images, is_one
from ._library import Core, Error
from ._progress import ProgressFactory
from ._stream import ImageError, OnError, outcomes

Progress = Union[None, bool, ProgressFactory]
Path = Union[str, "os.PathLike[str]"]


class Class(NamedTuple):
    """A class or label that a model finds likely; the probability of a label is independent of the others'."""

    index: int  # type: ignore[assignment]  # hides the method of tuples
    label: Optional[str]
    logit: int
    probability: float


class Predictions(NamedTuple):
    """The k most likely classes or labels, most likely first: of several images a row each, of one image one row.

    An image that could not be used has, with on_error="return", a row of -1, NaN and None. errors: what was wrong, by the
    image's index; with on_error="skip" these are the rows that are missing.
    """

    indices: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.object_]
    errors: Dict[int, ImageError]


def _remade(model: Union[Path, bytes], isa: Optional[str], threads: int, max_batch: int) -> "Model":
    return Model(model, isa=isa, threads=threads, max_batch=max_batch)


class Model:
    """A model file, loaded. Any number of threads may use one model at once; the interpreter's lock is released.

    Every method takes one image or several (help(intvit) says what these may be) and these options:

    exact: the pixels have the model's size already and are taken as they are.
    on_error: what becomes of an image among several that cannot be used. "raise": ImageError, which says which one and
        why; "skip": it is left out; "return", of stream(), topk() and predict(): its error stands in its place.
    progress: tqdm.tqdm or what is called like it; True: tqdm's bar for terminals and notebooks.

    Several images are read while images before them are run, in their order, a bounded number at a time. Ctrl-C ends a
    call at once; what stream() had given by then is there.
    """

    def __init__(
        self,
        model: Union[Path, bytes, bytearray, memoryview],
        *,
        isa: Optional[str] = None,
        threads: int = 0,
        max_batch: int = 8,
    ) -> None:
        """
        model: a path, or the file's bytes.
        isa: the instruction set to use, one of isas(); None: the fastest, or $INTVIT_ISA.
        threads: for each call; 0: as many as the process may use.
        max_batch: how many images are run at once, about: of more than that every thread takes some, decodes and runs
            them by itself, and at least one. At most twice as many are in memory, besides what is decoded.
        """
        kept: Union[str, bytes]
        if isinstance(model, (bytes, bytearray, memoryview)):
            kept = bytes(model)
            self._core = Core(None, kept, isa, threads, max_batch)
        else:
            kept = os.path.abspath(os.fsdecode(model))
            if "\0" in kept:
                raise ValueError("a path cannot hold a null character")
            if os.path.isdir(kept):
                raise Error(f"{kept}: is a folder, not a model file; weights become a model with intvit.quantize()")
            self._core = Core(os.fsencode(kept), b"", isa, threads, max_batch)
        self._arguments = (kept, isa, threads, max_batch)
        self._labels = self._core.labels()

    def __reduce__(self) -> Tuple[Any, ...]:
        """Copied and pickled by what it was made of: a path, which must then lead to the same file, or the bytes."""
        return _remade, self._arguments

    def _outcomes(
        self, images: Any, what: str, k: int, exact: bool, on_error: OnError, progress: Progress
    ) -> Iterator[Tuple[int, Any, Union[np.ndarray, ImageError]]]:
        def run(part: List[Any], alone: bool, runs: Any) -> np.ndarray:
            return self._core.run(part, what, k, exact, alone, runs)

        return outcomes(images, self._core, run, on_error, progress)

    def _array(
        self, images: Any, what: str, k: int, exact: bool, on_error: OnError, progress: Progress
    ) -> np.ndarray:
        k = self._core.check(what, k)
        if on_error == "return":
            raise ValueError('an array has no place for errors: use on_error="skip" or "raise", or stream() or predict()')
        rows = [cast(np.ndarray, row) for _, _, row in self._outcomes(images, what, k, exact, on_error, progress)]
        if is_one(images):
            return rows[0]
        empty = (k, 3) if what == "top" else self._core.shape(what)
        return np.stack(rows) if rows else np.empty((0, *empty), np.int32)

    def logits(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> npt.NDArray[np.int32]:
        """int32 [classes], or [count, classes] for several images, in units of 2**-fraction_bits.

        One for each class, label or score; scores are these numbers times 2**-fraction_bits.
        """
        return self._array(images, "logits", 1, exact, on_error, progress)

    @overload
    def features(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        normalize: Literal[False] = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> npt.NDArray[np.int32]: ...
    @overload
    def features(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        normalize: bool,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> Union[npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
    def features(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        normalize: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> Union[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """int32 [features], or [count, features]: what the classifier looks at, in units of 2**-feature_fraction_bits.

        They are the image's embedding: the cosine of the angle between two images' features tells how alike they are.

        normalize: float32 instead, each image's features brought to length 1, so that products are cosines.
        """
        features = self._array(images, "features", 1, exact, on_error, progress)
        return _normalized(features) if normalize else features

    def patch_tokens(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        normalize: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> Union[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """int32 [rows, columns, channels], or [count, rows, columns, channels]: a vector for each patch of the image, as
        the last norm leaves it, in units of 2**-token_fraction_bits. Of models quantized with patch_tokens=True.

        normalize: float32 instead, each patch's vector brought to length 1, so that products are cosines.
        """
        tokens = self._array(images, "patch_tokens", 1, exact, on_error, progress)
        return _normalized(tokens) if normalize else tokens

    def probabilities(
        self,
        images: Union[Image, Images],
        *,
        exact: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> npt.NDArray[np.float64]:
        """float64 [classes], or [count, classes]: of classes their softmax, of labels each one's sigmoid.

        They are computed in integers, in millionths, and so the same on every machine.
        """
        found = self._array(images, "top", max(self.classes, 1), exact, on_error, progress)
        return _in_order(found)

    def predict(
        self,
        images: Union[Image, Images],
        k: int = 5,
        *,
        exact: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> Predictions:
        """The k most likely classes or labels as arrays: of several images [count, k], of one [k]."""
        k = self._core.check("top", k)
        errors: Dict[int, ImageError] = {}
        rows: List[np.ndarray] = []
        for index, _, row in self._outcomes(images, "top", k, exact, _collected(on_error), progress):
            if isinstance(row, ImageError):
                errors[index] = row
                if on_error == "skip":
                    continue
                row = np.full((k, 3), -1, np.int32)
            rows.append(row)
        found = np.stack(rows) if rows else np.empty((0, k, 3), np.int32)
        indices = np.ascontiguousarray(found[:, :, 0])
        probabilities = np.where(indices < 0, np.nan, found[:, :, 2] / 1e6)
        names = np.full(self.classes + 1, None, np.object_)  # the last, of -1, is that of what could not be used
        names[: len(self._labels)] = self._labels
        result = (indices, probabilities, names[indices])
        if is_one(images):
            result = (result[0][0], result[1][0], result[2][0])
        return Predictions(*result, errors)

    @overload
    def topk(  # type: ignore[overload-overlap]  # a str is one image, though a sequence of str as well
        self, images: Image, k: int = 5, *, exact: bool = False, on_error: OnError = "raise", progress: Progress = None
    ) -> List[Class]: ...
    @overload
    def topk(
        self,
        images: Images,
        k: int = 5,
        *,
        exact: bool = False,
        on_error: Literal["raise", "skip"] = "raise",
        progress: Progress = None,
    ) -> List[List[Class]]: ...
    @overload
    def topk(
        self, images: Images, k: int = 5, *, exact: bool = False, on_error: OnError, progress: Progress = None
    ) -> List[Union[List[Class], ImageError]]: ...
    def topk(
        self, images: Any, k: int = 5, *, exact: bool = False, on_error: OnError = "raise", progress: Progress = None
    ) -> Any:
        """The k most likely classes or labels, or a list of such lists for several images. Scores have no order: Error."""
        found = [result for _, result in self.stream(images, k, exact=exact, on_error=on_error, progress=progress)]
        return found[0] if is_one(images) else found

    def stream(
        self,
        images: Union[Image, Images],
        k: int = 5,
        *,
        give: Literal["classes", "logits", "features", "probabilities"] = "classes",
        exact: bool = False,
        on_error: OnError = "raise",
        progress: Progress = None,
    ) -> Iterator[Tuple[Any, Any]]:
        """Pairs of an image as it was given and what the model says of it, one after the other as they are run.

        give: "classes": a list of the k most likely Class; or what the method of that name gives for one image.
        With on_error="return" the second of a pair may be an ImageError.
        """
        make: Dict[str, Tuple[str, int, Callable[[np.ndarray], Any]]] = {
            "classes": ("top", k, self._classes_of),
            "logits": ("logits", 1, lambda row: row),
            "features": ("features", 1, lambda row: row),
            "probabilities": ("top", max(self.classes, 1), lambda row: _in_order(row)),
        }
        if give not in make:
            raise ValueError(f"give is one of {', '.join(make)}, not {give}")
        what, k, made = make[give]
        k = self._core.check(what, k)
        found = self._outcomes(images, what, k, exact, on_error, progress)
        return ((image, row if isinstance(row, ImageError) else made(row)) for _, image, row in found)

    def _classes_of(self, rows: np.ndarray) -> List[Class]:
        return [
            Class(index, self._labels[index] if self._labels else None, logit, millionths / 1e6)
            for index, logit, millionths in rows.tolist()
        ]

    @property
    def outputs(self) -> Literal["classes", "labels", "scores", "features"]:
        """What the model gives: "classes", which exclude one another; "labels", each of which holds or not by itself;
        "scores", numbers without a probability; or "features" alone."""
        return cast(Literal["classes", "labels", "scores", "features"], self._core.outputs())

    @property
    def labels(self) -> List[str]:
        """The name of each class, label or score, or none."""
        return list(self._labels)

    @property
    def width(self) -> int:
        return self._core.number("width")

    @property
    def height(self) -> int:
        return self._core.number("height")

    @property
    def classes(self) -> int:
        """How many there are, or labels or scores; 0 for a model that gives features alone."""
        return self._core.number("classes")

    @property
    def feature_count(self) -> int:
        """How many features an image has; 0 for a classifier quantized before classifiers had any."""
        return self._core.number("features")

    @property
    def fraction_bits(self) -> int:
        return self._core.number("fraction_bits")

    @property
    def feature_fraction_bits(self) -> int:
        return self._core.number("feature_fraction_bits")

    @property
    def patch_token_shape(self) -> Tuple[int, ...]:
        """(rows, columns, channels) of patch_tokens(); zeros where the model gives none."""
        return self._core.shape("patch_tokens")

    @property
    def token_fraction_bits(self) -> int:
        return self._core.number("token_fraction_bits")

    @property
    def recipe(self) -> str:
        """How an image becomes the model's input."""
        return self._core.text("recipe")

    @property
    def isa(self) -> str:
        return self._core.text("isa")

    @property
    def threads(self) -> int:
        return self._core.threads

    @property
    def weight_bytes(self) -> int:
        """Memory of the packed weights, shared by all threads."""
        return self._core.number("weight_bytes")

    @property
    def arena_bytes(self) -> int:
        """Memory besides for each thread that runs the model at the same time."""
        return self._core.arena_bytes

    def __repr__(self) -> str:
        count = self.feature_count if self.outputs == "features" else self.classes
        return f"<intvit.Model {self.width} x {self.height}, {count} {self.outputs}, {self.isa}>"


def _collected(on_error: OnError) -> OnError:
    """As on_error, but of what is skipped, too, the errors are wanted."""
    return "return" if on_error == "skip" else on_error


def _normalized(features: np.ndarray) -> npt.NDArray[np.float32]:
    real = features.astype(np.float64)
    length = np.linalg.norm(real, axis=-1, keepdims=True)
    return cast(np.ndarray, real / np.where(length > 0, length, 1)).astype(np.float32)


def _in_order(top: np.ndarray) -> npt.NDArray[np.float64]:
    """Of rows of index, logit and millionths, over all classes, the probabilities by class."""
    order = np.argsort(top[..., 0], axis=-1)
    return cast(np.ndarray, np.take_along_axis(top[..., 2], order, axis=-1) / 1e6)
