"""For Ray Data:

    import intvit.ray
    import ray
    pictures = ray.data.read_binary_files("photographs", include_paths=True)
    classes = pictures.map_batches(
        intvit.ray.Classifier,
        fn_constructor_kwargs={"model": "/shared/model.safetensors", "column": "bytes"},
        concurrency=2,
        num_cpus=1,
        batch_size=64,
    )
"""
from __future__ import annotations

from typing import Optional, Union

from ._model import Path
from ._rows import Columns, classified, opened

__all__ = ["Classifier"]


class Classifier:
    """Adds to a batch the columns label, index, probability and error, and takes the one of images away.

    model: a path that every worker can read, or the file's bytes.
    column: of images: "image" of read_images(), "bytes" of read_binary_files(), or any that holds arrays or files.
    threads: of each worker; Ray's num_cpus should say the same.
    """

    def __init__(
        self, model: Union[Path, bytes], *, column: str = "image", threads: int = 1, isa: Optional[str] = None
    ) -> None:
        self._model = opened(model, threads, isa)
        self._column = column

    def __call__(self, batch: Columns) -> Columns:
        kept = {name: values for name, values in batch.items() if name != self._column}
        return {**kept, **classified(self._model, batch[self._column])}
