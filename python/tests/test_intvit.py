"""The Python package on the model that ships."""
import copy
import io
import os
import pickle
import resource

import numpy as np
import pytest
from PIL import Image
from shipped import MODEL, PICTURE, ROOT, shipped_as

import intvit


def test_model_says_what_it_is(model):
    assert (model.width, model.height, model.classes) == (32, 32, 10)
    assert model.labels[3] == "cat"
    assert "crop=32" in model.recipe
    assert model.isa in intvit.isas()
    assert model.threads >= 1
    assert model.weight_bytes > 100_000 and model.arena_bytes > 10_000
    assert intvit.__version__ in (ROOT / "CMakeLists.txt").read_text()
    assert "10 classes" in repr(model)


def test_every_kind_of_image_gives_the_same(model, picture):
    array = np.asarray(picture)
    wide = np.zeros((array.shape[0], array.shape[1] + 7, 3), np.uint8)
    wide[:, : array.shape[1]] = array
    kinds = {
        "path": PICTURE,
        "text": str(PICTURE),
        "bytes": PICTURE.read_bytes(),
        "pillow": picture,
        "array": array,
        "rows apart": wide[:, : array.shape[1]],
        "upside down": array[::-1].copy()[::-1],
        "planes": np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0),
    }
    expected = model.logits(array)
    assert expected.dtype == np.int32 and expected.shape == (10,)
    assert model.labels[int(expected.argmax())] == "cat"
    for name, image in kinds.items():
        assert np.array_equal(model.logits(image), expected), name


def test_a_batch_is_its_images(model, picture):
    small = picture.resize((50, 40))
    images = [picture, small, PICTURE] * 7  # more than run at once
    logits = model.logits(images)
    assert logits.shape == (21, 10)
    for image, row in zip(images, logits):
        assert np.array_equal(model.logits(image), row)
    stacked = np.stack([np.asarray(small), np.asarray(small.transpose(Image.Transpose.FLIP_LEFT_RIGHT))])
    assert np.array_equal(model.logits(stacked)[0], model.logits(small))
    assert np.array_equal(model.logits((small,)), model.logits([small]))
    assert model.logits([]).shape == (0, 10)
    assert model.topk([]) == []


def test_exact_pixels_are_not_resized(model):
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    assert model.logits(pixels, exact=True).shape == (10,)
    with pytest.raises(intvit.Error, match="exact pixels are 32 x 32, not 33 x 32"):
        model.logits(np.zeros((32, 33, 3), np.uint8), exact=True)


def test_grey(model):
    grey = np.arange(40 * 50, dtype=np.uint8).reshape(40, 50)
    assert np.array_equal(model.logits(grey), model.logits(np.stack([grey] * 3, axis=2)))
    assert np.array_equal(model.logits(Image.fromarray(grey)), model.logits(grey))


def test_frames_of_whole_pixels(model, picture):
    array = np.asarray(picture)
    expected = model.logits(array)
    bgr = np.ascontiguousarray(array[:, :, ::-1])
    bgra = np.dstack([bgr, np.full(bgr.shape[:2], 9, np.uint8)])
    wide = np.zeros((bgr.shape[0], bgr.shape[1] + 5, 3), np.uint8)
    wide[:, 2:-3] = bgr
    height, width = bgr.shape[:2]
    for frame in [
        intvit.Frame(bgr, "bgr"),
        intvit.Frame(array[:, :, ::-1], "bgr"),  # copied
        intvit.Frame(bgra, "bgra"),
        intvit.Frame(np.dstack([array, bgra[:, :, 3]]), "rgbx"),
        intvit.Frame(array.tobytes(), "rgb", size=(width, height)),
        intvit.Frame(memoryview(array.tobytes()), "rgb", size=(np.int64(width), height)),
        intvit.Frame(wide[:, 2:-3], "bgr"),
        intvit.Frame(wide, "bgr", region=(2, 0, width, height)),
        intvit.Frame(np.ascontiguousarray(bgr[::-1])[::-1], "bgr"),
        intvit.Frame(np.ascontiguousarray(bgr[:, ::-1]), "bgr", mirrored=True),
        intvit.Frame(np.ascontiguousarray(np.rot90(bgr)), "bgr", quarter_turns=1),
    ]:
        assert np.array_equal(model.logits(frame), expected)
    assert np.array_equal(model.logits([intvit.Frame(bgr, "bgr"), picture] * 9), [expected] * 18)
    assert model.topk(intvit.Frame(bgr, "bgr"))[0].label == "cat"
    grey = array[:, :, 1]
    assert np.array_equal(model.logits(intvit.Frame(grey, "grey")), model.logits(grey))


def test_frames_with_luma_and_colours(model):
    rng = np.random.default_rng(5)
    y, uv = rng.integers(0, 256, (40, 50), np.uint8), rng.integers(0, 256, (20, 50), np.uint8)
    nv12 = np.concatenate([y, uv])
    expected = model.logits(intvit.Frame(nv12, "nv12"))
    u, v = np.ascontiguousarray(uv[:, 0::2]), np.ascontiguousarray(uv[:, 1::2])
    i420 = np.concatenate([y.ravel(), u.ravel(), v.ravel()])
    vu = np.dstack([v, u]).reshape(uv.shape)
    padded = np.zeros((60, 64), np.uint8)
    padded[:, :50] = i420.reshape(60, 50)
    for frame in [
        intvit.Frame(nv12.tobytes(), "nv12", size=(50, 40)),
        intvit.Frame((y, uv), "nv12"),
        intvit.Frame((y, np.dstack([u, v])), "nv12"),
        intvit.Frame((y, vu), "nv21"),
        intvit.Frame((y, u, v), "i420"),
        intvit.Frame(i420, "i420", size=(50, 40)),
        intvit.Frame(padded[:, :50], "i420"),
    ]:
        assert np.array_equal(model.logits(frame), expected)
    packed = np.zeros((40, 50, 2), np.uint8)
    packed[:, :, 0] = y
    packed[:, 0::2, 1], packed[:, 1::2, 1] = np.repeat(u, 2, axis=0), np.repeat(v, 2, axis=0)
    assert np.array_equal(model.logits(intvit.Frame(packed, "yuyv")), expected)
    assert np.array_equal(model.logits(intvit.Frame(packed[:, :, ::-1], "uyvy")), expected)
    assert not np.array_equal(model.logits(intvit.Frame(nv12, "nv12", space="bt709")), expected)
    assert not np.array_equal(model.logits(intvit.Frame(nv12, "nv12", full_range=True)), expected)


def test_frames_that_are_refused(model):
    pixels = np.zeros((40, 50, 3), np.uint8)
    with pytest.raises(ValueError, match="format is one of rgb, bgr, .*, not yv12"):
        intvit.Frame(pixels, "yv12")
    with pytest.raises(ValueError, match="bgra is height x width x 4, not 40 x 50 x 3"):
        intvit.Frame(pixels, "bgra")
    with pytest.raises(ValueError, match="40 rows of 50 bytes are no nv12 of even sides"):
        intvit.Frame(pixels[:, :, 0], "nv12")
    with pytest.raises(ValueError, match="bytes do not tell the frame's size"):
        intvit.Frame(b"abc", "nv12")
    with pytest.raises(TypeError, match="samples are uint8, not float64"):
        intvit.Frame(pixels / 1.0, "rgb")
    with pytest.raises(intvit.Error, match="there are 5999 bytes, its rows need 6000"):
        model.logits(intvit.Frame(bytes(5999), "rgb", size=(50, 40)))
    with pytest.raises(intvit.Error, match="there are 6000 bytes, its rows need 6150"):
        model.logits(intvit.Frame(pixels, "rgb", size=(50, 41)))
    with pytest.raises(intvit.Error, match="turned by 0 to 3 quarters, not by 4"):
        model.logits(intvit.Frame(pixels, "rgb", quarter_turns=4))
    with pytest.raises(intvit.Error, match=r"the region to keep \(9 x 9 at 45, 0\) is not inside"):
        model.logits(intvit.Frame(pixels, "rgb", region=(45, 0, 9, 9)))
    with pytest.raises(ValueError, match="1 to 3 planes"):
        model.logits(intvit.Frame((pixels,) * 4, "rgb"))
    with pytest.raises(ValueError, match="a Frame is always resized"):
        model.logits(intvit.Frame(np.zeros((32, 32, 3), np.uint8), "rgb"), exact=True)


def test_topk(model, picture):
    top = model.topk(picture, k=3)
    logits = model.logits(picture)
    assert [entry.label for entry in top][0] == "cat"
    assert [entry.index for entry in top] == list(np.argsort(-logits, kind="stable")[:3])
    assert all(entry.logit == logits[entry.index] for entry in top)
    real = logits / 2.0**model.fraction_bits
    softmax = np.exp(real - real.max()) / np.exp(real - real.max()).sum()
    assert all(abs(entry.probability - softmax[entry.index]) < 2e-6 for entry in top)
    assert model.topk([picture, picture], k=3) == [top, top]
    assert len(model.topk(picture, k=100)) == 10
    with pytest.raises(intvit.Error, match="from 1 to 10 classes"):
        model.topk(picture, k=0)


def test_labels_have_a_probability_each(model, picture):
    labels = intvit.Model(shipped_as("labels"))
    assert (model.outputs, labels.outputs) == ("classes", "labels")
    assert "10 labels" in repr(labels)
    logits = labels.logits(picture)
    assert np.array_equal(logits, model.logits(picture))  # the same bits, whatever they mean
    assert np.array_equal(labels.features(picture), model.features(picture))
    top = labels.topk(picture, k=10)
    assert [entry.label for entry in top] == [entry.label for entry in model.topk(picture, k=10)]
    for entry in top:
        assert entry.logit == logits[entry.index]
        assert abs(entry.probability - 1 / (1 + np.exp(-entry.logit / 2.0**labels.fraction_bits))) < 1e-6
    assert labels.topk([picture, picture], k=10) == [top, top]
    assert copy.copy(labels).outputs == "labels"


def test_scores_have_no_order(model, picture):
    scores = intvit.Model(shipped_as("scores"))
    assert scores.outputs == "scores" and "10 scores" in repr(scores)
    assert scores.labels == model.labels
    assert np.array_equal(scores.logits(picture), model.logits(picture))
    with pytest.raises(intvit.Error, match="the model gives scores"):
        scores.topk(picture)


def test_a_model_whose_outputs_mean_something_unknown_is_refused():
    with pytest.raises(intvit.Error, match='needs the feature "result.boxes".*use a newer intvit'):
        intvit.Model(shipped_as("boxes"))


def test_features(model, picture):
    features = model.features(picture)
    assert features.dtype == np.int32 and features.shape == (model.feature_count,) == (192,)
    assert np.array_equal(model.features([picture, picture]), [features, features])
    assert model.features([]).shape == (0, 192)
    unit = model.features([picture, picture], normalize=True)
    assert unit.dtype == np.float32 and unit.shape == (2, 192)
    assert np.allclose(np.linalg.norm(unit, axis=1), 1)
    assert np.allclose(unit[0] * np.linalg.norm(features), features)
    assert np.array_equal(model.features(picture, normalize=True), unit[0])
    assert model.features([], normalize=True).shape == (0, 192)

    def cosine(one, other):
        a, b = one.astype(float), other.astype(float)
        return a @ b / np.sqrt((a @ a) * (b @ b))

    mirrored = model.features(np.ascontiguousarray(np.asarray(picture)[:, ::-1]))
    noise = model.features(np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8))
    assert cosine(features, mirrored) > 0.8 > cosine(features, noise)
    # A LayerNorm's output: of the order of 1 in its units.
    real = features / 2.0**model.feature_fraction_bits
    assert 0.1 < real.std() < 10


def test_errors(model, tmp_path):
    with pytest.raises(intvit.Error, match="No such file"):
        intvit.Model(tmp_path / "nothing.safetensors")
    with pytest.raises(intvit.Error, match="model in memory: "):
        intvit.Model(b"nothing")
    with pytest.raises(intvit.Error, match='"abacus" is not available here'):
        intvit.Model(MODEL, isa="abacus")
    with pytest.raises(intvit.Error, match="batch must be from 1"):
        intvit.Model(MODEL, max_batch=0)
    with pytest.raises(intvit.Error, match="not a picture"):
        model.logits(b"nothing")
    with pytest.raises(FileNotFoundError):
        model.logits("nothing.png")
    with pytest.raises(TypeError, match="uint8"):
        model.logits(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="4 x 4 x 4"):
        model.logits(np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(TypeError, match="int is no image"):
        model.logits(3)


def test_every_instruction_set_gives_the_same(picture):
    logits = [intvit.Model(MODEL.read_bytes(), isa=isa, threads=1).logits(picture) for isa in intvit.isas()]
    assert all(np.array_equal(row, logits[0]) for row in logits)


def test_rows_that_lie_in_one_another_are_copied(model):
    random = np.random.default_rng(3)
    row = random.integers(0, 256, (40, 3), np.uint8)
    block = random.integers(0, 256, (60, 40, 3), np.uint8)
    flat = random.integers(0, 256, 60 * 40 * 3, np.uint8)
    strided = np.lib.stride_tricks.as_strided
    views = {
        "one row, repeated": np.broadcast_to(row, (30, 40, 3)),
        "one pixel, repeated": np.broadcast_to(row[:1, :], (30, 40, 3)),
        "rows that overlap": strided(flat, (30, 40, 3), (5, 3, 1)),
        "rows one pixel on": strided(flat, (30, 40, 3), (3, 3, 1)),
        "backwards, overlapping": strided(flat[3000:], (30, 40, 3), (-6, 3, 1)),
        "one row, any stride": strided(flat, (1, 40, 3), (1, 3, 1)),
        "upside down": block[::-1],
        "every second row": block[::2],
        "mirrored": block[:, ::-1],
        "colours reversed": block[:, :, ::-1],
        "part": block[3:50, 2:31],
        "planes": np.ascontiguousarray(block.transpose(2, 0, 1)).transpose(1, 2, 0),
        "columns first": np.asfortranarray(block),
    }
    for name, view in views.items():
        assert np.array_equal(model.logits(view), model.logits(view.copy())), name
    for stride in range(-130, 131):
        view = strided(flat[4000:], (11, 40, 3), (stride, 3, 1))
        assert np.array_equal(model.logits(view), model.logits(view.copy())), stride


def test_shapes_that_no_image_has(model):
    huge = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (2**32 + 1, 1, 3))
    strided = np.lib.stride_tricks.as_strided(np.zeros(3, np.uint8), (2**32 + 1, 1, 3), (3, 3, 1))
    with pytest.raises((ValueError, MemoryError, intvit.Error)):
        model.logits(strided)
    with pytest.raises(intvit.Error, match="is too large"):
        model.logits(np.broadcast_to(huge[:1], (70000, 1, 3)))
    for shape in [(0, 5, 3), (5, 0, 3)]:
        with pytest.raises(intvit.Error, match="is empty"):
            model.logits(np.zeros(shape, np.uint8))


def test_a_picture_is_turned_as_its_file_is(model, picture, tmp_path):
    logits = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.jpg"
        picture.resize((50, 40)).save(path, exif=exif, quality=100, subsampling=0)
        with Image.open(path) as image:
            logits.append((model.logits(image), model.logits(path)))
    for pillow, ours in logits:
        assert np.array_equal(pillow, ours)
    assert len({tuple(ours) for _, ours in logits}) == 8  # turned otherwise it is another picture


def test_iterables_and_array_likes(model, picture, tmp_path):
    class ArrayLike:
        def __array__(self, dtype=None, copy=None):
            return np.asarray(picture)

    expected = model.logits(picture)
    for index in range(3):
        picture.save(tmp_path / f"{index}.png")
    several = {
        "glob": tmp_path.glob("*.png"),
        "generator": (picture for _ in range(3)),
        "map": map(str, sorted(tmp_path.iterdir())),
        "values": {1: picture, 2: picture, 3: picture}.values(),
        "array of objects": [ArrayLike()] * 3,
    }
    for name, images in several.items():
        assert np.array_equal(model.logits(images), [expected] * 3), name
    assert np.array_equal(model.logits(io.BytesIO(PICTURE.read_bytes())), expected)
    assert np.array_equal(model.logits(ArrayLike()), expected)
    with open(PICTURE, "rb") as file:
        assert np.array_equal(model.logits(file), expected)
    with open(PICTURE, encoding="latin-1") as file, pytest.raises(TypeError, match="binary"):
        model.logits(file)
    grey = np.asarray(picture.convert("L"))
    assert np.array_equal(model.logits(grey[:, :, None]), model.logits(grey))


@pytest.mark.parametrize("threads", [1, 3])
def test_files_are_read_a_batch_at_a_time(tmp_path, threads):
    model = intvit.Model(MODEL, max_batch=2, threads=threads)
    large = np.zeros((1000, 1000, 3), np.uint8)
    paths = []
    for index in range(60):
        path = tmp_path / f"{index}.ppm"
        path.write_bytes(b"P6 1000 1000 255\n" + large.tobytes())
        paths.append(path)
    model.logits(paths[:8])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert model.logits(paths).shape == (60, 10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # all of them have 180 MB


def test_many_images_keep_their_order(picture):
    small = intvit.Model(MODEL, threads=1)
    images = [picture.rotate(7 * index) for index in range(40)]
    expected = np.stack([small.logits(image) for image in images])
    for threads, max_batch in [(1, 3), (2, 1), (2, 3), (3, 8), (5, 39), (5, 40)]:
        model = intvit.Model(MODEL, threads=threads, max_batch=max_batch)
        for count in (0, 1, max_batch, max_batch + 1, 40):
            assert np.array_equal(model.logits(iter(images[:count])), expected[:count]), (threads, max_batch, count)
        assert model.topk(images, k=1) == small.topk(images, k=1)


def test_one_image_many_times_on_many_threads(tmp_path):
    path = tmp_path / "large.png"
    Image.fromarray(np.arange(1500 * 1500 * 3, dtype=np.uint32).astype(np.uint8).reshape(1500, 1500, 3)).save(path)
    expected = intvit.Model(MODEL).logits(path)
    for _ in range(3):
        with Image.open(path) as lazy:  # Pillow decodes it when it is first asked for pixels
            found = intvit.Model(MODEL, threads=4, max_batch=1).logits([lazy] * 12)
        assert np.array_equal(found, [expected] * 12)


def test_copies_and_pickles(model, picture, tmp_path):
    expected = model.logits(picture)
    in_memory = intvit.Model(MODEL.read_bytes(), isa="scalar", threads=1, max_batch=3)
    for original in (model, in_memory):
        for again in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
            assert np.array_equal(again.logits(picture), expected)
            assert (again.isa, again.threads) == (original.isa, original.threads)
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(MODEL.read_bytes())
    text = pickle.dumps(intvit.Model(moved))
    moved.unlink()
    with pytest.raises(intvit.Error, match="moved.safetensors: cannot open"):
        pickle.loads(text)


def test_paths_of_any_bytes(picture, tmp_path):
    expected = intvit.Model(MODEL).logits(picture)
    for name in ["é.safetensors", os.fsdecode(b"\xff\xfe.safetensors"), "a,b\n.safetensors"]:
        path = tmp_path / name
        path.write_bytes(MODEL.read_bytes())
        assert np.array_equal(intvit.Model(path).logits(picture), expected)
        assert np.array_equal(intvit.Model(str(path)).logits(picture), expected)
    with pytest.raises(ValueError, match="null"):
        intvit.Model(str(MODEL) + "\0.txt")
