"""Pictures as cameras and OpenCV give them."""
from __future__ import annotations

from typing import Any, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from ._library import int32

_FORMATS = ("rgb", "bgr", "rgba", "bgra", "rgbx", "grey", "nv12", "nv21", "i420", "yuyv", "uyvy")
_CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "rgbx": 4, "yuyv": 2, "uyvy": 2}


def _number(name: str, value: str, names: Tuple[str, ...]) -> int:
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
        pixels: Union[npt.NDArray[np.uint8], Tuple[npt.NDArray[np.uint8], ...], bytes, bytearray, memoryview],
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
        named = zip("width height left top region's-width region's-height mirrored quarter_turns".split(), numbers)
        self.fields = ((number, space_number, int(full_range), *(int32(value, name) for name, value in named)), planes)


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
