"""What the modules for clusters share: a table's rows of images become rows of classes."""
from __future__ import annotations

import functools
import os
from typing import Any, Dict, Iterable, Optional, Union

import numpy as np

from ._model import Model, Path

Columns = Dict[str, np.ndarray]


@functools.lru_cache(maxsize=4)
def _opened(model: Union[str, bytes], threads: int, isa: Optional[str]) -> Model:
    return Model(model, threads=threads, isa=isa)


def opened(model: Union[Path, bytes], threads: int, isa: Optional[str] = None) -> Model:
    """A model, once a process."""
    return _opened(model if isinstance(model, bytes) else os.fsdecode(model), threads, isa)


def classified(model: Model, images: Iterable[Any]) -> Columns:
    """The most likely class of each image: columns label, index and probability, and error, which is None where there is
    none. An image that cannot be used has None, -1 and NaN."""
    rows = list(images)  # of grey pictures, an array of several looks like a single one
    if not rows:
        empty = np.empty(0, object)
        return {"label": empty, "index": np.empty(0, np.int32), "probability": np.empty(0), "error": empty}
    found = model.predict(rows, k=1, on_error="return")
    errors = np.full(len(rows), None, np.object_)
    for index, error in found.errors.items():
        errors[index] = error.reason
    return {
        "label": found.labels[:, 0],
        "index": found.indices[:, 0],
        "probability": found.probabilities[:, 0],
        "error": errors,
    }
