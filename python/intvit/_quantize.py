"""From float weights to a model, by the program that the package brings: it has every option, its memory is the system's
again when it ends, and a notebook outlives whatever becomes of it."""
from __future__ import annotations

import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import warnings
from typing import Any, Dict, Iterable, Iterator, List, Union

from ._frame import Frame
from ._images import Image, Images, converted, is_one, name_of
from ._library import Error
from ._model import Model, Path, Progress
from ._program import PROGRAM
from ._progress import Bar
from ._stream import ImageError

_OWN = {"weights", "calib", "output", "format", "report", "help"}


def _spread(images: Any, count: int) -> Iterator[Any]:
    """As the program takes `count` of a folder: evenly over a sequence; of others the first."""
    try:
        total = len(images)
        if total > count:
            return (images[index * total // count] for index in range(count))
    except (TypeError, KeyError):
        pass
    return itertools.islice(iter(images), count)


def _write(images: Any, count: int, folder: pathlib.Path) -> Dict[str, str]:
    """The pictures as files in a folder, in their order: links to those that are files. Returns what people call them."""
    called: Dict[str, str] = {}
    chosen = iter([images]) if is_one(images) else _spread(_plain(images), count)
    for index, image in enumerate(chosen):
        name = folder / f"{index:08}"
        source = name_of(image)
        called[str(name)] = f"image {index}" + (f" ({source})" if source else "")
        if isinstance(image, (str, os.PathLike)):
            path = pathlib.Path(os.fsdecode(image)).absolute()
            if not path.is_file():
                raise ImageError("No such file", index, str(path))
            name.symlink_to(path)
            continue
        if isinstance(image, Frame):
            raise TypeError("a model is calibrated on pictures, not on a Frame: give its pixels as an array of RGB")
        content = converted(image)
        if not isinstance(content, bytes):
            height, width, _ = content.shape
            content = b"P6 %d %d 255\n" % (width, height) + content.tobytes()
        name.write_bytes(content)
    return called


def _plain(images: Any) -> Any:
    """Images that can be counted and numbered from 0: pandas numbers a column's rows as it likes."""
    return images.to_numpy() if hasattr(images, "to_numpy") else images


def _words(name: str, value: Any, folder: pathlib.Path) -> List[str]:
    option = "--" + name.replace("_", "-")
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    if name in ("labels", "classes") and not isinstance(value, (str, os.PathLike)):
        path = folder / name
        path.write_text("".join(f"{line}\n" for line in value), encoding="utf-8")
        value = path
    elif name == "prompt" and not isinstance(value, str):
        return [word for prompt in value for word in _words(name, prompt, folder)]
    elif isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    return [option, os.fsdecode(value) if isinstance(value, os.PathLike) else str(value)]


def _run(words: List[str], called: Dict[str, str], progress: Progress) -> None:
    environment = dict(os.environ, INTVIT_PROGRESS="lines")
    said: List[str] = []
    with Bar(progress, 1000, "‰") as bar, subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    ) as process:
        shown = 0
        try:
            assert process.stderr is not None
            for line in process.stderr:
                text = line.decode("utf-8", "replace").rstrip("\n")
                step = re.fullmatch(r"progress (.*) (\d+)/(\d+)", text)
                if step is None:
                    text = re.sub(r"^intvit: ", "", text)
                    said.append(re.sub(r"/\S*/pictures/\d{8}", lambda name: called.get(name[0], name[0]), text))
                elif step[1] == "quantizing":  # which takes nearly all of the time
                    now = 1000 * int(step[2]) // int(step[3])
                    bar.update(max(now - shown, 0))
                    shown = max(now, shown)
        except BaseException:  # Ctrl-C, which a notebook says to Python alone
            process.terminate()
            raise
        if process.wait() == 0:
            bar.update(1000 - shown)
    if process.returncode == 0:
        for text in said:
            warnings.warn(text, stacklevel=3)
        return
    message = "\n".join(said) or f"the program ended with code {process.returncode}"
    raise ValueError(message) if process.returncode == 2 else Error(message)


def quantize(
    weights: Path,
    calib: Union[None, Path, Image, Images],
    output: Path,
    *,
    progress: Progress = None,
    calib_count: int = 250,
    labels: Union[None, Path, Iterable[str]] = None,
    **options: Any,
) -> Model:
    """Makes a model file of float weights and pictures to calibrate on, and opens it.

    weights: a folder that transformers or timm saved (save_pretrained()), or a safetensors file with timm's names.
    calib: a folder of pictures, or pictures in any form that a model takes but Frame: paths, arrays, Pillow images, or an
        iterable of them. Pictures that are no files are written into a temporary folder. None: pictures that the program
        draws, which are worth less than photographs (docs/quantization.md).
    output: the model file. The same weights, pictures and options give the same bytes, here and on the command line.
    progress: tqdm.tqdm or what is called like it; True: tqdm's bar.
    calib_count: how many pictures are used: spread evenly over a folder or sequence, or the first of what has no length.
    labels: a file with a class's name a line, or the names; None: those of config.json.
    options: those of `intvit quantize`, "_" instead of "-": arch="deit_tiny_patch16_224", weight_format="int7",
        speed_up=1.25. True is a flag, a list is joined by commas.

    Raises ValueError where an option is wrong, Error where the work fails; what the program warns of is a warning.
    """
    unknown = _OWN & set(options)
    if unknown:
        raise TypeError(f"{', '.join(sorted(unknown))}: not an option of quantize()")
    with tempfile.TemporaryDirectory(prefix="intvit-") as temporary:
        folder = pathlib.Path(temporary)
        words = [str(PROGRAM), "quantize", "--weights", os.fsdecode(weights), "--output", os.fsdecode(output)]
        words += ["--calib-count", str(calib_count)]
        called: Dict[str, str] = {}
        if calib is None:
            pass
        elif isinstance(calib, (str, os.PathLike)) and os.path.isdir(calib):
            words += ["--calib", os.fsdecode(calib)]
        else:
            (folder / "pictures").mkdir()
            called = _write(calib, calib_count, folder / "pictures")
            words += ["--calib", str(folder / "pictures")]
        for name, value in {"labels": labels, **options}.items():
            words += _words(name, value, folder)
        _run(words, called, progress)
    return Model(output)
