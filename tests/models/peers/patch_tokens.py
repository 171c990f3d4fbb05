#!/usr/bin/env python3
"""How near an integer model's patch tokens and features are to those that transformers computes of the float model.

    intvit quantize --weights FOLDER --calib PHOTOGRAPHS --patch-tokens -o MODEL
    python3 tests/models/peers/patch_tokens.py --program build/release/bin/intvit --model MODEL FOLDER PHOTOGRAPHS

FOLDER holds a DINOv2 (Dinov2Model) as transformers saves it. Prints the mean and the lowest cosine of single patches and of
the images' features. Needs torch, torchvision, transformers and Pillow.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
import PIL.Image
import torch
import transformers as hf


def outputs(program, model, photographs, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/outputs.npy"
        subprocess.run([program, "features", "-m", model, *options, "--format", "npy", "-o", path, *photographs],
                       check=True, stdout=subprocess.DEVNULL)
        return np.load(path).astype(np.float64)


def cosines(a, b):
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("folder")
    parser.add_argument("photographs")
    arguments = parser.parse_args()
    photographs = sorted(map(str, pathlib.Path(arguments.photographs).rglob("*.[jJp][pPn]*[gG]")))
    photographs = photographs[::max(len(photographs) // arguments.count, 1)][:arguments.count]
    tokens = outputs(arguments.program, arguments.model, photographs, "--tokens")
    features = outputs(arguments.program, arguments.model, photographs)

    processor = hf.BitImageProcessorPil.from_pretrained(arguments.folder)
    model = hf.Dinov2Model.from_pretrained(arguments.folder).eval()
    of_tokens, of_features = [], []
    for path, found, feature in zip(photographs, tokens, features):
        pixels = processor(PIL.Image.open(path).convert("RGB"), return_tensors="pt").pixel_values
        with torch.no_grad():
            expected = model(pixels).last_hidden_state[0].double().numpy()
        of_tokens.append(cosines(found.reshape(-1, found.shape[-1]), expected[1:]))
        of_features.append(cosines(feature, expected[0]))
    for name, values in (("patch tokens", np.concatenate(of_tokens)), ("features", np.array(of_features))):
        print(f"{name:12} {len(values):6} mean {values.mean():.6f} lowest {values.min():.6f}")


if __name__ == "__main__":
    main()
