#!/usr/bin/env python3
"""What is on these pictures, from Python.

    classify.py MODEL PICTURE ...

Shows: pictures as Pillow images and as numpy arrays, a batch, labels and probabilities.
"""
import sys

import numpy as np
from PIL import Image

import intvit


def main() -> int:
    if len(sys.argv) < 3:
        print(f"usage: {sys.argv[0]} MODEL PICTURE ...", file=sys.stderr)
        return 2
    model = intvit.Model(sys.argv[1])
    paths = sys.argv[2:]

    # One after the other, as Pillow images.
    for path in paths:
        with Image.open(path) as picture:
            print(path)
            for entry in model.topk(picture, k=3):
                name = f"class {entry.index}" if entry.label is None else entry.label
                print(f"  {entry.probability:7.2%}  {name}")

    # All at once, as arrays of height x width x 3 bytes: the same integers.
    batch = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    logits = model.logits(batch)
    best = logits.argmax(axis=1)
    print("batch:", ", ".join(model.labels[index] if model.labels else str(index) for index in best))
    return 0


if __name__ == "__main__":
    sys.exit(main())
