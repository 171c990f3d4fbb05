"""Runs any number of images: read, decoded and run on all threads, a bounded number at a time, in their order."""
from __future__ import annotations

import collections
import concurrent.futures
import itertools
import os
import threading
from typing import Any, Callable, Deque, Dict, Iterator, List, Literal, Optional, Tuple, Union

import numpy as np

from ._images import converted, is_one, name_of
from ._library import Cancelled, Core, Error, Runs
from ._progress import Bar

OnError = Literal["raise", "skip", "return"]
# Runs images in the forms of converted(): run(images, alone, runs) gives a row for each.
Run = Callable[[List[Any], bool, Runs], np.ndarray]


class ImageError(Error):
    """An image of several that could not be used.

    index: which one of them, from 0. source: its file, where that is known. reason: what is wrong. __cause__ is what was
    raised when it was read or run.
    """

    def __init__(self, reason: str, index: int, source: Optional[str]) -> None:
        super().__init__(reason, index, source)  # of which a pickle makes it anew
        self.reason, self.index, self.source = reason, index, source

    def __str__(self) -> str:
        return f"image {self.index}" + (f" ({self.source})" if self.source else "") + f": {self.reason}"


Outcome = Union[np.ndarray, Exception]


def _reason(error: Exception) -> str:
    """What is wrong with an image, in words that fit behind its name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error) or type(error).__name__
    return text[len("picture in memory: ") :] if text.startswith("picture in memory: ") else text


def _of_one(error: Exception, image: Any) -> Exception:
    """The error of an image that is the only one: what was raised, with the file's name where that is missing."""
    name = name_of(image)
    if name is None or not isinstance(error, Error):
        return error
    return Error(f"{name}: {_reason(error)}")


def _run_part(part: List[Any], run: Run, alone: bool, runs: Runs, lock: threading.Lock) -> List[Outcome]:
    """A row for each image, or what was raised for it. Raises what has nothing to do with the images."""

    def load(image: Any) -> Any:
        try:
            if isinstance(image, (str, os.PathLike)):
                return converted(image)
            with lock:  # the same object may be there twice, and Pillow's images and open files are read when asked
                return converted(image)
        except Exception as error:  # pylint: disable=broad-except
            return error

    outcomes = [load(image) for image in part]
    good = [index for index, image in enumerate(outcomes) if not isinstance(image, Exception)]

    def attempt(indices: List[int]) -> None:
        try:
            for index, row in zip(indices, run([outcomes[index] for index in indices], alone, runs)):
                outcomes[index] = row
        except Cancelled:
            raise
        except Exception as error:  # pylint: disable=broad-except
            if len(indices) == 1:
                outcomes[indices[0]] = error
                return
            for index in indices:  # to know whose error it is
                attempt([index])

    if good:
        attempt(good)
    return outcomes


class _Inline(concurrent.futures.Executor):
    """Does at once what is submitted."""

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> "concurrent.futures.Future[Any]":
        future: "concurrent.futures.Future[Any]" = concurrent.futures.Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:  # pylint: disable=broad-except
            future.set_exception(error)
        return future


_helpers: Dict[int, concurrent.futures.Executor] = {}  # of this process, not of one that it was forked from


def _pool_of_few() -> concurrent.futures.Executor:
    """Runs images on a thread beside the interpreter's main thread, which alone hears Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return _Inline()
    helper = _helpers.get(os.getpid())
    if helper is None:
        helper = _helpers[os.getpid()] = concurrent.futures.ThreadPoolExecutor(1)
    return helper


def _parts(images: Iterator[Any], core: Core, run: Run) -> Iterator[Tuple[List[Any], List[Outcome]]]:
    """Some images at a time, and what became of them. Few images are run one after the other on all threads; of many,
    every thread takes some, loads and runs them by itself, and at most twice max_batch are in memory besides those that
    are decoded."""
    first = list(itertools.islice(images, core.max_batch + 1))
    images = itertools.chain(first, images)
    alone = core.threads > 1 and len(first) > core.max_batch
    threads, size = (core.threads, core.share) if alone else (1, core.max_batch)
    runs, lock = Runs(), threading.Lock()
    waiting: Deque[Tuple[List[Any], concurrent.futures.Future[List[Outcome]]]] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(threads) if alone else _pool_of_few()

    def submit(part: List[Any]) -> "concurrent.futures.Future[List[Outcome]]":
        try:
            return pool.submit(_run_part, part, run, alone, runs, lock)
        except RuntimeError:  # the interpreter ends, and lets no threads begin
            return _Inline().submit(_run_part, part, run, alone, runs, lock)

    try:
        while part := list(itertools.islice(images, size)):
            waiting.append((part, submit(part)))
            if len(waiting) == 2 * threads:
                yield waiting[0][0], waiting[0][1].result()
                waiting.popleft()
        while waiting:
            yield waiting[0][0], waiting[0][1].result()
            waiting.popleft()
    finally:  # after an error or Ctrl-C there is some left
        futures = [future for _, future in waiting]
        for future in futures:
            future.cancel()
        while not all(future.done() for future in futures):
            runs.cancel()
            concurrent.futures.wait(futures, 0.01)
        if alone:
            pool.shutdown()


def outcomes(
    images: Any, core: Core, run: Run, on_error: OnError = "raise", progress: Any = None
) -> Iterator[Tuple[int, Any, Union[np.ndarray, ImageError]]]:
    """Of each image its index, itself, and its row or, with on_error="return", its error."""
    if on_error not in ("raise", "skip", "return"):
        raise ValueError(f'on_error is "raise", "skip" or "return", not {on_error!r}')
    one = is_one(images)
    index = 0
    with Bar(progress, 1 if one else getattr(images, "__len__", lambda: None)(), "image") as bar:
        for part, results in _parts(iter([images] if one else images), core, run):
            for image, result in zip(part, results):
                if isinstance(result, Exception):
                    if on_error == "raise" and one:
                        raise _of_one(result, image) from (result if isinstance(result, Error) else result.__cause__)
                    error = ImageError(_reason(result), index, name_of(image))
                    error.__cause__ = result
                    if on_error == "raise":
                        raise error
                    if on_error == "return":
                        yield index, image, error
                else:
                    yield index, image, result
                index += 1
            bar.update(len(part))
