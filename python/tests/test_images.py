"""What counts as one image or several, and what becomes of those that cannot be used."""
import copy
import os
import pathlib
import pickle
import resource

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shipped import MODEL, PICTURE

import intvit


@pytest.fixture(name="paths")
def three_files(picture, tmp_path):
    paths = []
    for index in range(3):
        paths.append(tmp_path / f"{index}.png")
        picture.rotate(90 * index).save(paths[-1])
    return paths


@pytest.fixture(name="some_bad")
def some_of_them_bad(paths, tmp_path):
    """20 images of which 3, 11 and 12 cannot be used."""
    images = [str(paths[index % 3]) for index in range(20)]
    images[3] = str(tmp_path / "missing.png")
    text = tmp_path / "text.png"
    text.write_bytes(b"no picture")
    images[11] = text
    images[12] = np.zeros((4, 4, 3), np.float32)
    return images


def test_columns_and_arrays_of_paths(model, paths):
    expected = np.stack([model.logits(path) for path in paths])
    frame = pd.DataFrame({"path": list(map(str, paths)), "other": 1}, index=[7, 8, 9])
    for several in [
        frame.path,
        frame.path.astype(object),
        frame.path.to_numpy(),
        np.array(list(map(str, paths))),
        np.array(paths, dtype=object),
        frame.path.map(pathlib.Path),
    ]:
        assert np.array_equal(model.logits(several), expected), type(several)
    with pytest.raises(TypeError, match="a DataFrame of 2 dimensions is no list of images: give one column"):
        model.logits(frame)
    arrays = np.empty(2, object)
    arrays[:] = [np.zeros((4, 5, 3), np.uint8), np.zeros((6, 7), np.uint8)]
    assert model.logits(arrays).shape == (2, 10)


def test_open_files_of_a_list(model, paths):
    files = [open(path, "rb") for path in paths]
    assert np.array_equal(model.logits(files), model.logits(paths))
    for file in files:
        file.close()


def test_an_image_of_several_that_cannot_be_used(model, some_bad):
    with pytest.raises(intvit.ImageError, match=r"^image 3 \(.*missing.png\): No such file or directory$") as caught:
        model.logits(some_bad)
    assert caught.value.index == 3 and caught.value.source == some_bad[3]
    assert isinstance(caught.value, intvit.Error) and isinstance(caught.value.__cause__, FileNotFoundError)
    for again in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (str(again), again.index, again.reason) == (str(caught.value), 3, "No such file or directory")
    with pytest.raises(intvit.ImageError, match=r"^image 10 \(.*text.png\): not a picture in"):
        model.topk(some_bad[:3] + some_bad[4:])
    with pytest.raises(intvit.ImageError, match="^image 1: pixels are uint8, not float32$") as caught:
        model.predict(iter([some_bad[0], some_bad[12]]))
    assert caught.value.source is None
    with pytest.raises(intvit.Error, match=r"^\S*text.png: not a picture in"):  # alone, it needs no number
        model.logits(some_bad[11])


@pytest.mark.parametrize(("threads", "max_batch"), [(1, 8), (2, 2), (3, 30)])
def test_bad_images_are_skipped_or_returned(threads, max_batch, some_bad):
    model = intvit.Model(MODEL, threads=threads, max_batch=max_batch)
    good = [image for index, image in enumerate(some_bad) if index not in (3, 11, 12)]
    expected = model.predict(good)
    assert not expected.errors
    assert np.array_equal(model.logits(some_bad, on_error="skip"), model.logits(good))
    assert np.array_equal(model.features(some_bad, on_error="skip"), model.features(good))
    assert model.topk(some_bad, on_error="skip") == model.topk(good)

    skipped = model.predict(some_bad, on_error="skip")
    assert list(skipped.errors) == [3, 11, 12]
    assert np.array_equal(skipped.indices, expected.indices)
    returned = model.predict(some_bad, on_error="return")
    assert {index: error.index for index, error in returned.errors.items()} == {3: 3, 11: 11, 12: 12}
    assert (returned.indices[[3, 11, 12]] == -1).all() and np.isnan(returned.probabilities[[3, 11, 12]]).all()
    assert all(label is None for label in returned.labels[[3, 11, 12]].ravel())
    kept = np.delete(np.arange(20), [3, 11, 12])
    for found, wanted in zip(returned[:3], expected[:3]):
        assert np.array_equal(found[kept], wanted)

    topk = model.topk(some_bad, on_error="return")
    assert [index for index, found in enumerate(topk) if isinstance(found, intvit.ImageError)] == [3, 11, 12]
    with pytest.raises(ValueError, match='no place for errors: use on_error="skip"'):
        model.logits(some_bad, on_error="return")
    with pytest.raises(ValueError, match="on_error is"):
        model.predict(some_bad, on_error="ignore")


def test_what_is_wrong_with_the_call_is_no_images_fault(model, some_bad):
    with pytest.raises(intvit.Error, match="^from 1 to 10 classes can be asked for, not 0$"):
        model.predict(some_bad, k=0, on_error="skip")
    with pytest.raises(ValueError, match="threads is"):
        intvit.Model(MODEL, threads=2**40)
    with pytest.raises(ValueError, match="width is"):
        intvit.Frame(bytes(6000), "rgb", size=(2**32 + 50, 40))


def test_predict_is_topk_as_arrays(model, paths):
    topk = model.topk(paths, k=3)
    indices, probabilities, labels, errors = model.predict(paths, k=3)
    assert indices.dtype == np.int32 and probabilities.dtype == np.float64 and errors == {}
    assert indices.tolist() == [[entry.index for entry in row] for row in topk]
    assert probabilities.tolist() == [[entry.probability for entry in row] for row in topk]
    assert labels.tolist() == [[entry.label for entry in row] for row in topk]
    one = model.predict(paths[0], k=3)
    assert one.indices.shape == (3,) and one.labels[0] == "cat"
    assert [type(value) for value in topk[0][0]] == [int, str, int, float]
    assert model.predict([]).indices.shape == (0, 5)
    assert model.predict(paths[0], k=99).indices.shape == (10,)
    unlabelled = model.predict(paths)
    assert unlabelled.indices.shape == (3, 5)


def test_probabilities_by_class(model, paths):
    probabilities = model.probabilities(paths)
    assert probabilities.shape == (3, 10) and probabilities.dtype == np.float64
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    for row, path in zip(probabilities, paths):
        assert np.array_equal(model.probabilities(path), row)
        for entry in model.topk(path, k=10):
            assert row[entry.index] == entry.probability
    assert model.probabilities([]).shape == (0, 10)


def test_stream_gives_what_it_was_given(model, some_bad):
    pairs = list(model.stream(some_bad, k=2, on_error="return"))
    assert all(image is given for (image, _), given in zip(pairs, some_bad)) and len(pairs) == 20
    assert pairs[0][1] == model.topk(some_bad[0], k=2)
    assert isinstance(pairs[11][1], intvit.ImageError)
    assert len(list(model.stream(some_bad, on_error="skip"))) == 17
    for give in ("logits", "features", "probabilities"):
        for image, row in model.stream(some_bad[:3], give=give):
            assert np.array_equal(row, getattr(model, give)(image))
    with pytest.raises(ValueError, match="give is one of classes, logits"):
        model.stream(some_bad, give="everything")


def test_stream_reads_no_more_than_it_runs(model, picture):
    read = 0

    def pictures():
        nonlocal read
        while True:
            read += 1
            yield picture

    stream = model.stream(pictures())
    assert next(stream)[1][0].label == "cat"
    assert read <= 3 * model._core.max_batch  # pylint: disable=protected-access
    stream.close()


def test_progress(model, some_bad):
    class Bar:
        made = []

        def __init__(self, *, total, unit):
            self.total, self.unit, self.steps, self.open = total, unit, [], True
            Bar.made.append(self)

        def update(self, n):
            self.steps.append(n)

        def close(self):
            self.open = False

    model.predict(some_bad, on_error="skip", progress=Bar)
    model.topk(iter(some_bad[:3]), progress=Bar)
    with pytest.raises(intvit.ImageError):
        model.logits(some_bad, progress=Bar)
    assert [(bar.total, sum(bar.steps), bar.open) for bar in Bar.made[:2]] == [(20, 20, False), (None, 3, False)]
    assert not Bar.made[2].open
    tqdm = pytest.importorskip("tqdm")
    assert model.logits(some_bad[:3], progress=tqdm.tqdm).shape == (3, 10)
    assert model.logits(some_bad[:3], progress=True).shape == (3, 10)


def test_pillow_images_of_16_bits_are_as_their_files(model, tmp_path):
    values = np.random.default_rng(4).integers(0, 2**16, (40, 50), np.uint16)
    path = tmp_path / "sixteen.png"
    Image.fromarray(values).save(path)
    with Image.open(path) as image:
        assert image.mode.startswith("I;16")
        assert np.array_equal(model.logits(image), model.logits(path))
    assert np.array_equal(model.logits(path), model.logits((values >> 8).astype(np.uint8)))
    for mode in ("I", "F"):
        with pytest.raises(TypeError, match=f'mode "{mode}" does not say which number is white'):
            model.logits(Image.new(mode, (5, 5)))


def test_memory_of_many_files(tmp_path):
    large = tmp_path / "large.ppm"
    large.write_bytes(b"P6 300 300 255\n" + bytes(300 * 300 * 3))
    paths = []
    for index in range(1500):
        paths.append(tmp_path / f"{index}.ppm")
        os.link(large, paths[-1])
    model = intvit.Model(MODEL)
    model.logits(paths[:40])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert model.predict(paths).indices.shape == (1500, 5)  # all of them have 405 MB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_the_model_that_ships(picture):
    assert intvit.load().topk(picture, k=1) == intvit.load("cifar10", threads=1).topk(picture, k=1)
    assert intvit.load("cifar10").labels == intvit.Model(MODEL).labels
    with pytest.raises(ValueError, match='one model, "cifar10", not "resnet"'):
        intvit.load("resnet")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(intvit.Error, match="is a folder, not a model file; weights become a model with intvit.quantize"):
        intvit.Model(tmp_path)


def test_what_is_nearly_an_image_is_told_how_to_become_one(model, tmp_path):
    with pytest.raises(IsADirectoryError, match=r"is a folder; its files are images: pathlib.Path\(folder\).iterdir\(\)"):
        model.logits(tmp_path)
    with pytest.raises(intvit.ImageError, match=r"image 1 \(.*\): is a folder; its files are images"):
        model.logits([np.zeros((4, 4, 3), np.uint8), str(tmp_path)])
    with pytest.raises(ValueError, match=r"not 4 x 4 x 4; of RGBA, image\[:, :, :3\], or else a Frame"):
        model.logits(np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"not 4 x 4 x 2$"):
        model.logits(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(intvit.Error, match="exact pixels are 32 x 32, not 30 x 32; without exact=True they are resized"):
        model.logits(np.zeros((32, 30, 3), np.uint8), exact=True)
