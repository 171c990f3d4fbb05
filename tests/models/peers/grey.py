#!/usr/bin/env python3
"""Compares models of grey pictures with timm's, which takes Pillow's grey of a photograph and resizes that.

    cmake --build build/release --target float_logits
    python3 tests/models/peers/grey.py build/release/bin/float_logits PHOTOGRAPH ...

float_logits must see the same pixels, and its logits must have a cosine with timm's above 0.9999999. Needs torch, timm,
safetensors, Pillow.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import safetensors.torch
import timm
import timm.data
import torch

MODELS = ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"]


def differences(program, name, photographs):
    """For each photograph the number of pixels that differ, and the cosine of the logits."""
    torch.manual_seed(5)
    model = timm.create_model(name, in_chans=1).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    preprocessing = {"mean": [0.45], "std": [0.25], "crop_pct": 0.9, "interpolation": "bicubic"}
    with tempfile.TemporaryDirectory() as folder:
        weights = {key: value.contiguous() for key, value in model.state_dict().items()}
        safetensors.torch.save_file(weights, os.path.join(folder, "model.safetensors"))
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"architecture": name, "model_args": {"in_chans": 1}, "pretrained_cfg": preprocessing}, file)
        lines = subprocess.run([program, folder, *photographs], capture_output=True, text=True, check=True).stdout
    transform = timm.data.create_transform((1, 224, 224), is_training=False, **preprocessing)
    for path, line in zip(photographs, lines.splitlines(), strict=True):
        actual = json.loads(line)
        pixels = transform(PIL.Image.open(path).convert("L"))
        grey = np.rint((pixels[0].double().numpy() * 0.25 + 0.45) * 255)[:, :, None]
        differing = int((np.array(actual["pixels"]).reshape(224, 224, 3) != grey).any(axis=2).sum())
        with torch.no_grad():
            expected = model(pixels[None])[0].double()
        cosine = torch.cosine_similarity(torch.tensor(actual["logits"]).double(), expected, dim=0).item()
        yield differing, cosine


def main():
    failures = 0
    for name in MODELS:
        results = list(differences(sys.argv[1], name, sys.argv[2:]))
        differing = sum(pixels for pixels, _ in results)
        cosine = min(cosine for _, cosine in results)
        passed = results and differing == 0 and cosine > 0.9999999
        failures += not passed
        print(f"{'ok' if passed else 'FAILED'}  {name}: {len(results)} photographs, {differing} pixels differ, "
              f"lowest cosine {cosine:.9f}", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
