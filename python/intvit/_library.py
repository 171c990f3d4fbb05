"""The shared library that the package brings, called through its C interface (engine/include/intvit.h)."""
from __future__ import annotations

import ctypes
import operator
import os
import pathlib
import threading
from typing import Any, List, Optional, Sequence, Set, Tuple

import numpy as np

_CANCELLED = 8  # INTVIT_CANCELLED
_OUTPUTS = ("classes", "labels", "scores", "features")


class Error(RuntimeError):
    """What the library or the program says is wrong: one sentence."""


class Cancelled(Error):
    """A run that Runs.cancel() ended."""


class _ErrorStruct(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 508)]


class _ModelOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("isa", ctypes.c_char_p),
        ("log", ctypes.c_void_p),
        ("log_context", ctypes.c_void_p),
        ("max_work", ctypes.c_int64),
    ]


class _SessionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("threads", ctypes.c_int),
        ("max_batch", ctypes.c_int),
        ("arena", ctypes.c_void_p),
        ("arena_bytes", ctypes.c_size_t),
        ("parallel_for", ctypes.c_void_p),
        ("parallel_for_context", ctypes.c_void_p),
    ]


class _Image(ctypes.Structure):
    RGB, ENCODED, INPUT, FRAME = range(4)
    _fields_ = [
        ("kind", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("stride", ctypes.c_ssize_t),
    ]


class _FrameStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        *((name, ctypes.c_int) for name in "format color_space color_range width height left top".split()),
        *((name, ctypes.c_int) for name in "region_width region_height mirrored quarter_turns".split()),
        ("planes", ctypes.c_void_p * 3),
        ("strides", ctypes.c_ssize_t * 3),
        ("plane_bytes", ctypes.c_size_t * 3),
    ]


class _Class(ctypes.Structure):
    _fields_ = [
        ("label", ctypes.c_char_p),
        ("index", ctypes.c_int32),
        ("logit", ctypes.c_int32),
        ("probability", ctypes.c_int32),
    ]


_CLASS_FIELDS = ["index", "logit", "probability"]
_CLASS = np.dtype(
    {
        "names": _CLASS_FIELDS,
        "formats": ["i4"] * 3,
        "offsets": [getattr(_Class, name).offset for name in _CLASS_FIELDS],
        "itemsize": ctypes.sizeof(_Class),
    }
)

_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_FUNCTIONS = {
    "version": (_TEXT, []),
    "isa_count": (_INT, []),
    "isa_name": (_TEXT, [_INT]),
    "model_open": (_INT, [_TEXT, _POINTER, _POINTER, _POINTER]),
    "model_from_memory": (_INT, [_TEXT, ctypes.c_size_t, _POINTER, _POINTER, _POINTER]),
    "model_free": (None, [_POINTER]),
    "model_width": (_INT, [_POINTER]),
    "model_height": (_INT, [_POINTER]),
    "model_outputs": (_INT, [_POINTER]),
    "model_classes": (_INT, [_POINTER]),
    "model_features": (_INT, [_POINTER]),
    "model_token_rows": (_INT, [_POINTER]),
    "model_token_columns": (_INT, [_POINTER]),
    "model_token_channels": (_INT, [_POINTER]),
    "model_fraction_bits": (_INT, [_POINTER]),
    "model_feature_fraction_bits": (_INT, [_POINTER]),
    "model_token_fraction_bits": (_INT, [_POINTER]),
    "model_label": (_TEXT, [_POINTER, _INT]),
    "model_recipe": (_TEXT, [_POINTER]),
    "model_isa": (_TEXT, [_POINTER]),
    "model_weight_bytes": (ctypes.c_size_t, [_POINTER]),
    "session_create": (_INT, [_POINTER] * 4),
    "session_free": (None, [_POINTER]),
    "session_threads": (_INT, [_POINTER]),
    "session_arena_bytes": (ctypes.c_size_t, [_POINTER]),
    "session_cancel": (None, [_POINTER]),
    "run": (_INT, [_POINTER, _POINTER, _INT, _POINTER]),
    "logits": (_INT, [_POINTER, _INT, _POINTER, _POINTER]),
    "features": (_INT, [_POINTER, _INT, _POINTER, _POINTER]),
    "patch_tokens": (_INT, [_POINTER, _INT, _POINTER, _POINTER]),
    "top_k": (_INT, [_POINTER, _INT, _INT, _POINTER, _POINTER]),
}


def _load() -> Any:
    library = ctypes.CDLL(str(pathlib.Path(__file__).with_name("libintvit.so")))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, "intvit_" + name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _check(function: str, *arguments: Any) -> None:
    """Calls a function whose last argument is an intvit_error; raises what it says."""
    error = _ErrorStruct()
    status = getattr(_library, "intvit_" + function)(*arguments, ctypes.byref(error))
    if status == _CANCELLED:
        raise Cancelled(_text(error.message))
    if status == 5:  # INTVIT_OUT_OF_MEMORY
        raise MemoryError(_text(error.message))
    if status != 0:
        raise Error(_text(error.message))


def int32(value: Any, what: str) -> int:
    """A number that C's int has: ctypes would cut it off."""
    number = operator.index(value)
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"{what} is {number}, which is too large")
    return number


def version() -> str:
    return _text(_library.intvit_version())


def isas() -> List[str]:
    return [_text(_library.intvit_isa_name(index)) for index in range(_library.intvit_isa_count())]


class Runs:
    """The runs of one call of the package that go on, on threads of its own."""

    def __init__(self) -> None:
        self._sessions: Set["_Session"] = set()
        self._lock = threading.Lock()

    def begin(self, session: "_Session") -> None:
        with self._lock:
            self._sessions.add(session)

    def end(self, session: "_Session") -> None:
        with self._lock:
            self._sessions.discard(session)

    def cancel(self) -> None:
        """Ends those that have begun."""
        with self._lock:
            for session in self._sessions:
                _library.intvit_session_cancel(session.handle)


class _Session:
    def __init__(self, model: ctypes.c_void_p, threads: int, max_batch: int) -> None:
        options = _SessionOptions(ctypes.sizeof(_SessionOptions), threads, max_batch)
        self.handle = ctypes.c_void_p()
        _check("session_create", model, ctypes.byref(options), ctypes.byref(self.handle))

    def __del__(self, free: Any = _library.intvit_session_free) -> None:
        free(self.handle)


class _Sessions:
    """Sessions of equal options that are idle: as many as ever ran at once."""

    def __init__(self, model: ctypes.c_void_p, threads: int, max_batch: int) -> None:
        self._arguments = (model, threads, max_batch)
        self._idle: List[_Session] = []  # whose append and pop need no lock, which a fork could find taken

    def take(self) -> _Session:
        try:
            return self._idle.pop()
        except IndexError:
            return _Session(*self._arguments)

    def give_back(self, session: _Session) -> None:
        self._idle.append(session)


class Core:
    """A model and its sessions, so that any number of threads may use it. Without the interpreter's lock while it loads
    and runs.

    path: of the model file, in the file system's encoding; or content: its bytes.
    """

    def __init__(
        self, path: Optional[bytes], content: bytes, isa: Optional[str], threads: int, max_batch: int
    ) -> None:
        self._model = ctypes.c_void_p()
        threads, max_batch = int32(threads, "threads"), int32(max_batch, "max_batch")
        name = None if isa is None else os.fsencode(isa)
        options = ctypes.byref(_ModelOptions(ctypes.sizeof(_ModelOptions), name, None, None, 0))
        if path is not None:
            _check("model_open", path, options, ctypes.byref(self._model))
        else:
            _check("model_from_memory", content, len(content), options, ctypes.byref(self._model))
        self._together = _Sessions(self._model, threads, max_batch)
        session = self._together.take()  # tells at once what is wrong with the options
        self.threads: int = _library.intvit_session_threads(session.handle)
        self.arena_bytes: int = _library.intvit_session_arena_bytes(session.handle)
        self._together.give_back(session)
        self.max_batch = max_batch
        self.share = -(-max_batch // self.threads)  # how many images each thread takes of a long list
        self._alone = _Sessions(self._model, 1, self.share)

    def __del__(self, free: Any = _library.intvit_model_free) -> None:
        free(self._model)

    def number(self, name: str) -> int:
        """What intvit_model_NAME() gives."""
        return int(getattr(_library, "intvit_model_" + name)(self._model))

    def text(self, name: str) -> str:
        return _text(getattr(_library, "intvit_model_" + name)(self._model))

    def outputs(self) -> str:
        return _OUTPUTS[self.number("outputs")]

    def labels(self) -> List[str]:
        labels = (_library.intvit_model_label(self._model, index) for index in range(self.number("classes")))
        return [_text(label) for label in labels if label is not None]

    def check(self, what: str, k: int) -> int:
        """Whether the model gives that. Returns k, or as many as there are if k is more."""
        classes = self.number("classes")
        if what == "patch_tokens":
            if self.number("token_channels") == 0:
                raise Error("the model gives no patch tokens; quantized with patch_tokens=True, it gives them besides")
            return classes
        if what != "features" and classes == 0:
            raise Error("the model has no classifier: it gives features")
        if what == "features" and self.number("features") == 0:
            raise Error("the model gives logits alone; quantized anew, it gives features besides")
        if what == "top" and self.outputs() == "scores":
            raise Error("the model gives scores, which have no order and no probability; logits() gives them")
        if what == "top" and operator.index(k) < 1:
            raise Error(f"from 1 to {classes} {self.outputs()} can be asked for, not {k}")
        return min(k, classes)

    def run(self, images: Sequence[Any], what: str, k: int, exact: bool, alone: bool, runs: Runs) -> np.ndarray:
        """Runs 1 to max_batch images on all threads, or, alone, 1 to share of them on the calling one.

        images: bytes (a picture file), arrays whose pixels are dense and whose rows do not overlap, or a Frame's fields.
        Returns int32 [count, ...]: "logits", "features", "patch_tokens", or of "top" k rows of index, logit and probability in
        millionths. `what` and `k` have passed check().
        """
        if exact:
            self._check_exact(images)
        views, kept = _views(images, exact)
        sessions = self._alone if alone else self._together
        session = sessions.take()
        runs.begin(session)
        try:
            _check("run", session.handle, views, len(views))
            if what == "top":
                return self._top(session, len(views), k)
            return self._rows(session, len(views), what)
        finally:
            runs.end(session)
            sessions.give_back(session)
            del kept

    def _check_exact(self, images: Sequence[Any]) -> None:
        size = (self.number("height"), self.number("width"))
        for image in images:
            if isinstance(image, np.ndarray) and image.shape[:2] != size:
                given = f"{image.shape[1]} x {image.shape[0]}"
                raise Error(f"exact pixels are {size[1]} x {size[0]}, not {given}; without exact=True they are resized")

    def shape(self, what: str) -> Tuple[int, ...]:
        """Of an image's "logits", "features" or "patch_tokens"."""
        if what == "patch_tokens":
            return tuple(self.number("token_" + side) for side in ("rows", "columns", "channels"))
        return (self.number("classes" if what == "logits" else "features"),)

    def _rows(self, session: _Session, count: int, what: str) -> np.ndarray:
        rows = np.empty((count, *self.shape(what)), np.int32)
        values = ctypes.c_void_p()
        for image, row in enumerate(rows):
            _check(what, session.handle, image, ctypes.byref(values))
            ctypes.memmove(row.ctypes.data, values, row.nbytes)
        return rows

    def _top(self, session: _Session, count: int, k: int) -> np.ndarray:
        classes = (_Class * k)()
        rows = np.empty((count, k, 3), np.int32)
        for image, row in enumerate(rows):
            _check("top_k", session.handle, image, k, classes)
            found = np.frombuffer(classes, _CLASS)  # type: ignore[call-overload]
            for column, name in enumerate(_CLASS_FIELDS):
                row[:, column] = found[name]
        return rows


def _views(images: Sequence[Any], exact: bool) -> Tuple[Any, List[Any]]:
    """The images as the library takes them, and what must live as long as they."""
    views = (_Image * len(images))()
    kept: List[Any] = [images]
    for view, image in zip(views, images):
        if isinstance(image, bytes):
            view.kind, view.size = _Image.ENCODED, len(image)
            view.data = ctypes.cast(ctypes.c_char_p(image), ctypes.c_void_p)
        elif isinstance(image, tuple):
            if exact:
                raise ValueError("a Frame is always resized: exact pixels are an array of RGB")
            frame = _frame(*image)
            kept.append(frame)
            view.kind, view.data = _Image.FRAME, ctypes.addressof(frame)
        else:
            if max(image.shape) >= 2**31:
                raise ValueError("an image has more than 2^31 rows or columns")
            view.kind = _Image.INPUT if exact else _Image.RGB
            view.height, view.width = image.shape[:2]
            view.data, view.stride = image.ctypes.data, image.strides[0]
    return views, kept


def _frame(numbers: Sequence[int], planes: Sequence[np.ndarray]) -> _FrameStruct:
    """numbers: intvit_frame's fields from format to quarter_turns. Planes: their samples are dense in rows, and rows in
    order."""
    if not 1 <= len(planes) <= 3 or any(plane.size == 0 for plane in planes):
        raise ValueError("a frame has 1 to 3 planes, and none is empty")
    frame = _FrameStruct(ctypes.sizeof(_FrameStruct), *numbers)
    for index, plane in enumerate(planes):
        stride = plane.strides[0] if plane.ndim > 1 else 0
        frame.planes[index], frame.strides[index] = plane.ctypes.data, stride
        frame.plane_bytes[index] = stride * (len(plane) - 1) + plane[0].size if plane.ndim > 1 else plane.size
    return frame
