"""Progress for people: tqdm's bars, or whatever is called like them."""
from __future__ import annotations

from typing import Any, Optional, Protocol


class ProgressBar(Protocol):
    def update(self, n: int) -> object: ...
    def close(self) -> object: ...


class ProgressFactory(Protocol):
    """tqdm.tqdm is one."""

    def __call__(self, *, total: Optional[int], unit: str) -> ProgressBar: ...


class Bar:
    """progress: None; True for tqdm's; or tqdm.tqdm itself, or what is called as it."""

    def __init__(self, progress: Any, total: Optional[int], unit: str) -> None:
        if progress is True:
            try:
                from tqdm.auto import tqdm as progress  # type: ignore[import-untyped,no-redef]
            except ImportError:
                raise ImportError("progress=True draws tqdm's bar: pip install tqdm, or give a class like it") from None
        self._bar = progress(total=total, unit=unit) if progress else None

    def update(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(count)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
