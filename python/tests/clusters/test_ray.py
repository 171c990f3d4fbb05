"""Ray Data, two workers, of which one is killed in the middle."""
import os

import numpy as np
import pictures
import pytest

import intvit.ray

ray = pytest.importorskip("ray")


class Mortal(intvit.ray.Classifier):
    def __init__(self, marker, **options):
        super().__init__(**options)
        self._marker = marker

    def __call__(self, batch):
        if any(path.endswith("1000.png") for path in batch["path"]):
            pictures.die_once(self._marker)
        return super().__call__(batch)


@pytest.fixture(scope="module", autouse=True)
def cluster():
    folders = os.pathsep.join([os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))])
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": folders}})
    yield
    ray.shutdown()


def test_every_row_once(paths, expected, model_file, tmp_path):
    files = ray.data.read_binary_files(str(paths[0].parent), include_paths=True)
    rows = files.map_batches(
        Mortal,
        fn_constructor_kwargs={"marker": str(tmp_path / "died"), "model": model_file, "column": "bytes"},
        concurrency=2,
        num_cpus=0.5,
        batch_size=64,
    ).take_all()
    assert (tmp_path / "died").exists()
    assert len(rows) == pictures.COUNT and set(rows[0]) == {"path", "label", "index", "probability", "error"}
    found = {
        os.path.basename(row["path"]): pictures.as_expected(
            row["label"], row["index"], row["probability"], row["error"]
        )
        for row in rows
    }
    assert found == expected


def test_arrays(model_file):
    images = np.random.default_rng(1).integers(0, 256, (50, 20, 30, 3), np.uint8)
    model = intvit.Model(model_file)
    table = ray.data.from_numpy(images).map_batches(
        intvit.ray.Classifier,
        fn_constructor_kwargs={"model": open(model_file, "rb").read(), "column": "data"},
        concurrency=2,
        num_cpus=0.5,
        batch_size=16,
    )
    found = sorted(row["index"] for row in table.take_all())
    assert found == sorted(model.predict(images, k=1).indices[:, 0].tolist())
