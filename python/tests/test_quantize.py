"""The quantizer and the program that the package brings."""
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from shipped import PICTURE

import intvit

COMMAND = pathlib.Path(sys.executable).with_name("intvit")
WIDTH, CLASSES = 64, 3


def write_weights(path):
    """A ViT of one block under timm's names, 32 x 32 pixels in patches of 8, random."""
    random = np.random.default_rng(0)

    def weights(*shape):
        return (random.standard_normal(shape) * 0.1).astype(np.float32)

    tensors = {
        "cls_token": weights(1, 1, WIDTH),
        "pos_embed": weights(1, 17, WIDTH),
        "patch_embed.proj.weight": weights(WIDTH, 3, 8, 8),
        "patch_embed.proj.bias": weights(WIDTH),
        "blocks.0.attn.qkv.weight": weights(3 * WIDTH, WIDTH),
        "blocks.0.attn.qkv.bias": weights(3 * WIDTH),
        "blocks.0.attn.proj.weight": weights(WIDTH, WIDTH),
        "blocks.0.attn.proj.bias": weights(WIDTH),
        "blocks.0.mlp.fc1.weight": weights(2 * WIDTH, WIDTH),
        "blocks.0.mlp.fc1.bias": weights(2 * WIDTH),
        "blocks.0.mlp.fc2.weight": weights(WIDTH, 2 * WIDTH),
        "blocks.0.mlp.fc2.bias": weights(WIDTH),
        "head.weight": weights(CLASSES, WIDTH),
        "head.bias": weights(CLASSES),
    }
    for norm in ("blocks.0.norm1", "blocks.0.norm2", "norm"):
        tensors[norm + ".weight"] = 1 + weights(WIDTH)
        tensors[norm + ".bias"] = weights(WIDTH)
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(tensor.tobytes() for tensor in tensors.values()))


@pytest.fixture(scope="module", name="weights")
def a_folder_of_timm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder / "model.safetensors")
    config = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": CLASSES,
        "model_args": {"img_size": 32, "patch_size": 8, "embed_dim": WIDTH, "depth": 1, "num_heads": 2, "mlp_ratio": 2},
        "pretrained_cfg": {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module", name="pictures")
def some_pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(1)
    for index in range(7):
        Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f"{index}.png")
    return folder


def test_every_form_of_pictures_gives_the_programs_bytes(weights, pictures, tmp_path):
    subprocess.run(
        [COMMAND, "quantize", "--weights", weights, "--calib", pictures, "-o", tmp_path / "program"], check=True
    )
    expected = (tmp_path / "program").read_bytes()
    paths = sorted(pictures.iterdir())
    images = [Image.open(path) for path in paths]
    for name, calib in {
        "folder": pictures,
        "paths": paths,
        "generator": (str(path) for path in paths),
        "pillow": images,
        "arrays": np.stack([np.asarray(image) for image in images]),
        "bytes and files": [paths[0].read_bytes(), *(open(path, "rb") for path in paths[1:])],
    }.items():
        model = intvit.quantize(weights, calib, tmp_path / "python")
        assert (tmp_path / "python").read_bytes() == expected, name
        assert (model.width, model.classes, model.labels) == (32, CLASSES, [])
    some = intvit.quantize(weights, paths, tmp_path / "some", calib_count=3)
    folder = intvit.quantize(weights, pictures, tmp_path / "folder", calib_count=3)
    assert (tmp_path / "some").read_bytes() == (tmp_path / "folder").read_bytes()
    assert np.array_equal(some.logits(PICTURE), folder.logits(PICTURE))


def test_without_photographs(weights, pictures, tmp_path):
    with pytest.warns(UserWarning, match=r"no photographs \(--calib\): 64 drawn pictures stand for them"):
        drawn = intvit.quantize(weights, None, tmp_path / "drawn")
    both = intvit.quantize(weights, pictures, tmp_path / "both", draw=8)
    assert drawn.classes == both.classes == CLASSES


def test_options_and_progress(weights, pictures, tmp_path):
    steps = []

    class Bar:
        def __init__(self, *, total, unit):
            self.total = total

        def update(self, n):
            steps.append(n)

        def close(self):
            assert sum(steps) == self.total

    model = intvit.quantize(
        weights,
        pictures,
        tmp_path / "model",
        labels=["one", "two, or more", "three"],
        weight_format="int7",
        head_outliers=None,
        threads=1,
        progress=Bar,
    )
    assert model.labels == ["one", "two, or more", "three"] and len(steps) > 1


def test_what_the_program_says_is_what_is_raised(weights, pictures, tmp_path):
    output = tmp_path / "model"
    with pytest.raises(intvit.Error, match="nothing: "):
        intvit.quantize(tmp_path / "nothing", pictures, output)
    with pytest.raises(ValueError, match="weight-format"):
        intvit.quantize(weights, pictures, output, weight_format="int3")
    with pytest.raises(ValueError, match="no-such-option"):
        intvit.quantize(weights, pictures, output, no_such_option=1)
    with pytest.raises(TypeError, match="format: not an option"):
        intvit.quantize(weights, pictures, output, format="json")
    with pytest.raises(intvit.ImageError, match=r"image 1 \(.*no.png\): No such file"):
        intvit.quantize(weights, [PICTURE, "no.png"], output)
    with pytest.raises(TypeError, match="pixels are uint8"):
        intvit.quantize(weights, [np.zeros((4, 4, 3))], output)
    assert not output.exists()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.warns(UserWarning, match=r"^image 3 \(.*bad.png\): .*left out of the calibration"):
        intvit.quantize(weights, [*sorted(pictures.iterdir())[:3], bad], output)


def test_ctrl_c_ends_the_program(weights, pictures, tmp_path):
    program = """
import os, signal, sys, intvit
class Bar:
    def __init__(self, **_): pass
    def update(self, n): os.kill(os.getpid(), signal.SIGINT)
    def close(self): pass
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    intvit.quantize(*sys.argv[1:], progress=Bar)
except KeyboardInterrupt:
    print("heard")
"""
    words = [sys.executable, "-c", program, weights, pictures, tmp_path / "model"]
    run = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "heard\n" and not (tmp_path / "model").exists()


def test_the_command():
    run = subprocess.run([COMMAND, "classify", PICTURE], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[1].endswith("  cat")
    assert subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True).stdout == (
        f"intvit {intvit.__version__}\n"
    )
    assert subprocess.run([COMMAND, "classify"], capture_output=True, check=False).returncode == 2
