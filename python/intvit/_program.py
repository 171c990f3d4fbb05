"""The program `intvit`, which the package brings."""
from __future__ import annotations

import os
import pathlib
import sys
from typing import NoReturn

FOLDER = pathlib.Path(__file__).parent
PROGRAM = FOLDER / "bin" / "intvit"
SHIPPED_MODEL = FOLDER / "share" / "intvit" / "default.safetensors"


def main() -> NoReturn:
    """What the command `intvit` does: it becomes the program."""
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])
