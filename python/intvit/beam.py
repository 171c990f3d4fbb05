"""For Apache Beam's RunInference:

    import apache_beam as beam
    from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
    from intvit.beam import IntvitModelHandler
    handler = KeyedModelHandler(IntvitModelHandler("/shared/model.safetensors"))
    classes = pipeline | beam.Create(names_and_bytes) | RunInference(handler)

The inference of a PredictionResult is a dictionary of label, index, probability and error.
"""
from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Sequence, Union

from apache_beam.ml.inference.base import ModelHandler, PredictionResult  # type: ignore

from ._model import Model, Path
from ._rows import classified, opened

__all__ = ["IntvitModelHandler"]


class IntvitModelHandler(ModelHandler[Any, PredictionResult, Model]):  # type: ignore[misc,unused-ignore]
    """model: a path that every worker can read, or the file's bytes. batch_size: images in one call, at most."""

    def __init__(
        self, model: Union[Path, bytes], *, threads: int = 1, batch_size: int = 64, isa: Optional[str] = None
    ) -> None:
        super().__init__()
        self._arguments = (model, threads, isa)
        self._batch_size = batch_size

    def load_model(self) -> Model:
        return opened(*self._arguments)

    def run_inference(
        self, batch: Sequence[Any], model: Model, inference_args: Optional[Dict[str, Any]] = None
    ) -> Iterator[PredictionResult]:
        columns = classified(model, batch)
        for index, example in enumerate(batch):
            yield PredictionResult(example, {name: _plain(values[index]) for name, values in columns.items()})

    def batch_elements_kwargs(self) -> Dict[str, Any]:
        return {"min_batch_size": 1, "max_batch_size": self._batch_size}

    def get_metrics_namespace(self) -> str:
        return "BeamML_intvit"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
