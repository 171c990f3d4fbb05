"""Beam's own runner with two worker processes. It ends a pipeline whose worker is killed, so none is here."""
import pathlib

import pictures
import pytest

pytest.importorskip("apache_beam")
import apache_beam as beam  # noqa: E402
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402

from intvit.beam import IntvitModelHandler  # noqa: E402


def test_every_row_once(paths, expected, model_file, tmp_path):
    options = PipelineOptions(
        ["--runner=DirectRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    )
    handler = KeyedModelHandler(IntvitModelHandler(model_file, batch_size=50))
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | beam.Create([str(path) for path in paths])
            | beam.Reshuffle()
            | beam.Map(lambda path: (path, pathlib.Path(path).read_bytes()))
            | RunInference(handler)
            | beam.Map(lambda pair: repr((pair[0].rsplit("/", 1)[1], pair[1].inference)))
            | beam.io.WriteToText(str(tmp_path / "classes"))
        )
    rows = []
    for part in tmp_path.glob("classes-*"):
        rows += [eval(line, {"nan": float("nan")}) for line in part.read_text().splitlines()]  # pylint: disable=eval-used
    assert len(rows) == pictures.COUNT
    found = {name: pictures.as_expected(**inference) for name, inference in rows}
    assert found == expected
