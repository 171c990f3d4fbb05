"""The programs of the documents, with and without labels."""
import json
import re
import shutil
import subprocess
import sys

import pytest
from shipped import MODEL, PICTURE, ROOT, unlabelled_model

import intvit


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    path = tmp_path_factory.mktemp("unlabelled") / "model.safetensors"
    path.write_bytes(unlabelled_model())
    return path


@pytest.mark.parametrize("labelled", [True, False])
def test_example(labelled, unlabelled):
    path = MODEL if labelled else unlabelled
    run = subprocess.run(
        [sys.executable, ROOT / "examples/classify.py", path, PICTURE], capture_output=True, text=True, check=True
    )
    best = intvit.Model(path).topk(PICTURE, k=1)[0]
    assert best.label == ("cat" if labelled else None)
    assert run.stdout.splitlines()[1] == f"  {best.probability:7.2%}  " + ("cat" if labelled else "class 3")
    assert run.stdout.splitlines()[-1] == "batch: " + ("cat" if labelled else "3")


@pytest.mark.parametrize("labelled", [True, False])
def test_readme_runs(tmp_path, labelled, unlabelled):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    (tmp_path / "deit_tiny.intvit.safetensors").symlink_to(MODEL if labelled else unlabelled)
    (tmp_path / "photo.png").symlink_to(PICTURE)
    for block in blocks:
        run = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stdout.splitlines()[0].endswith(" cat" if labelled else " 3")


def test_the_page_of_python_runs(tmp_path):
    text = (ROOT / "docs/python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    program = "".join(block for block in blocks if "my_vit" not in block)
    (tmp_path / "photo.png").symlink_to(PICTURE)
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout == "cat\ncat\ncat\nimage 1 (missing.png): No such file or directory\n", run.stderr


def test_the_notebook_runs(tmp_path):
    cells = json.loads((ROOT / "examples/quantize.ipynb").read_text())["cells"]
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
    program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    (tmp_path / "photographs").mkdir()
    shutil.copy(PICTURE, tmp_path / "photographs/1.png")
    (tmp_path / "photographs/2.jpg").write_bytes(b"no picture")
    run = subprocess.run(
        [sys.executable, "-c", program + "\nprint(table.label[0], table.label.isna().tolist())"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "cat [False, True]\n", run.stderr
