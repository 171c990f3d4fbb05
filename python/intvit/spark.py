"""For Spark, on a table whose column `content` holds picture files, such as spark.read.format("binaryFile") gives:

    import intvit.spark
    files = spark.read.format("binaryFile").load("photographs")
    classes = files.mapInPandas(intvit.spark.classify("/shared/model.safetensors"), intvit.spark.CLASSIFIED)

or, as a column:

    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import StructType
    classify = predict_batch_udf(
        intvit.spark.make_predict_fn("/shared/model.safetensors"),
        return_type=StructType.fromDDL(intvit.spark.CLASSES),
        batch_size=64,
    )
    files.select("path", classify("content").alias("class"))

A model is a path that every worker can read, or the file's bytes, which Spark then sends with the function.
"""
from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Optional, Union

import numpy as np

from ._model import Path
from ._rows import Columns, classified, opened

__all__ = ["CLASSES", "CLASSIFIED", "classify", "make_predict_fn"]

CLASSES = "label string, index int, probability double, error string"
CLASSIFIED = "path string, " + CLASSES


def make_predict_fn(
    model: Union[Path, bytes], *, threads: int = 1, isa: Optional[str] = None
) -> Callable[[], Callable[[np.ndarray], Columns]]:
    """What predict_batch_udf() asks for; its return_type is StructType.fromDDL(CLASSES)."""

    def make() -> Callable[[np.ndarray], Columns]:
        core = opened(model, threads, isa)
        return lambda images: classified(core, images)

    return make


def classify(
    model: Union[Path, bytes], *, content: str = "content", threads: int = 1, isa: Optional[str] = None
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """A function for mapInPandas(), whose schema is CLASSIFIED. content: the column of picture files."""

    def classify_batches(batches: Iterable[Any]) -> Iterator[Any]:
        import pandas as pd  # type: ignore[import-untyped,unused-ignore]

        core = opened(model, threads, isa)
        for batch in batches:
            columns = classified(core, batch[content])
            yield pd.DataFrame({"path": batch["path"].to_numpy(), **columns})

    return classify_batches
