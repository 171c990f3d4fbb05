"""Every kind of image in the forms that the library takes, and what several images are."""
from __future__ import annotations

import os
from typing import IO, Any, Iterable, Optional, Protocol, Union

import numpy as np
import numpy.typing as npt

from ._frame import Frame


class PillowImage(Protocol):
    def convert(self, mode: str) -> object: ...


class ArrayLike(Protocol):
    def __array__(self) -> npt.NDArray[Any]: ...


Image = Union[
    PillowImage,
    npt.NDArray[np.uint8],
    ArrayLike,
    str,
    "os.PathLike[str]",
    bytes,
    bytearray,
    memoryview,
    IO[bytes],
    Frame,
]
Images = Iterable[Image]

_SEVERAL = "OUST"  # kinds of arrays whose elements are images themselves, such as paths


def pixels(array: np.ndarray) -> np.ndarray:
    """height x width x 3 bytes, as the library reads them."""
    if array.dtype != np.uint8:
        raise TypeError(f"pixels are uint8, not {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim == 3 and array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3:
        four = "; of RGBA, image[:, :, :3], or else a Frame, which says what its channels are" * (array.shape[-1:] == (4,))
        raise ValueError(f"an image is height x width x 3, not {' x '.join(map(str, array.shape))}{four}")
    # Rows may be apart, but neither pixels nor may rows lie in one another: a stride of 0, of an array that repeats one
    # row, means something else to the library.
    dense = array.strides[1:] == (3, 1) and abs(array.strides[0]) >= 3 * array.shape[1] > 0
    return array if dense else np.array(array, order="C", copy=True)


def _of_pillow(image: Any) -> np.ndarray:
    """The pixels that the file of a Pillow image gives: turned as its EXIF data say, and of 16 bits the upper 8."""
    if getattr(image, "getexif", None) is not None and image.getexif().get(0x0112, 1) != 1:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
    mode = getattr(image, "mode", "")
    if mode.startswith("I;16"):
        return pixels((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if mode in ("I", "F"):
        raise TypeError(f'a Pillow image of mode "{mode}" does not say which number is white: make it "L" or "RGB" first')
    return pixels(np.asarray(image.convert("RGB")))


def converted(image: Any) -> Any:
    """bytes of a picture file, an array as pixels() gives it, or the fields of a Frame."""
    if isinstance(image, Frame):
        return image.fields
    if isinstance(image, np.ndarray) and image.dtype.kind not in _SEVERAL:
        return pixels(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        try:
            with open(image, "rb") as file:
                return file.read()
        except IsADirectoryError as error:
            hint = "is a folder; its files are images: pathlib.Path(folder).iterdir()"
            raise IsADirectoryError(error.errno, hint, error.filename) from None
    if hasattr(image, "convert"):  # Pillow's, without depending on it
        return _of_pillow(image)
    if hasattr(image, "__array__"):
        return pixels(np.asarray(image))
    if hasattr(image, "read"):
        content = image.read()
        if not isinstance(content, bytes):
            raise TypeError("an open file of an image must be opened in binary mode")
        return content
    kinds = "Pillow's, numpy's, a path, an open file, bytes and a Frame are"
    raise TypeError(f"a {type(image).__name__} is no image: {kinds}")


def is_one(images: Any) -> bool:
    """Whether this is an image and not several."""
    if isinstance(images, (bytes, bytearray, memoryview, str, os.PathLike, Frame)):
        return True
    if isinstance(images, np.ndarray) or (hasattr(images, "__array__") and not hasattr(images, "convert")):
        array = np.asarray(images)
        if array.dtype.kind not in _SEVERAL:
            return array.ndim != 4
        if array.ndim != 1:
            raise TypeError(f"a {type(images).__name__} of {array.ndim} dimensions is no list of images: give one column")
        return False
    if hasattr(images, "convert") or hasattr(images, "read"):
        return True
    return not isinstance(images, Iterable)


def name_of(image: Any) -> Optional[str]:
    """The file that an image is or was opened from, if it is known."""
    if isinstance(image, (str, os.PathLike)):
        return os.fsdecode(image)
    for attribute in ("filename", "name"):  # Pillow's, and that of open files
        name = getattr(image, attribute, None)
        if isinstance(name, (str, os.PathLike)) and str(name):
            return os.fsdecode(name)
    return None
