import os
from typing import IO, Any, Iterable, List, Literal, NamedTuple, Optional, Protocol, Tuple, Union, overload

import numpy as np
import numpy.typing as npt

class _PillowImage(Protocol):
    def convert(self, mode: str) -> object: ...

class _Array(Protocol):
    def __array__(self) -> npt.NDArray[Any]: ...

class Frame:
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
    ) -> None: ...

_Image = Union[
    _PillowImage, npt.NDArray[np.uint8], _Array, str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes], Frame
]
_Several = Iterable[_Image]

__version__: str

class Error(RuntimeError): ...

class Class(NamedTuple):
    index: int
    label: Optional[str]
    logit: int
    probability: float

def isas() -> List[str]: ...

class Model:
    def __init__(
        self,
        model: Union[str, "os.PathLike[str]", bytes, bytearray, memoryview],
        *,
        isa: Optional[str] = None,
        threads: int = 0,
        max_batch: int = 8,
    ) -> None: ...
    def logits(self, images: Union[_Image, _Several], *, exact: bool = False) -> npt.NDArray[np.int32]: ...
    @overload
    def features(
        self, images: Union[_Image, _Several], *, exact: bool = False, normalize: Literal[False] = False
    ) -> npt.NDArray[np.int32]: ...
    @overload
    def features(
        self, images: Union[_Image, _Several], *, exact: bool = False, normalize: bool
    ) -> Union[npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
    @overload  # type: ignore[overload-overlap]  # a str is one image, though a sequence of str as well
    def topk(self, images: _Image, k: int = 5, *, exact: bool = False) -> List[Class]: ...
    @overload
    def topk(self, images: _Several, k: int = 5, *, exact: bool = False) -> List[List[Class]]: ...
    @property
    def outputs(self) -> Literal["classes", "labels", "scores", "features"]: ...
    @property
    def labels(self) -> List[str]: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def feature_count(self) -> int: ...
    @property
    def fraction_bits(self) -> int: ...
    @property
    def feature_fraction_bits(self) -> int: ...
    @property
    def recipe(self) -> str: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def weight_bytes(self) -> int: ...
    @property
    def arena_bytes(self) -> int: ...
