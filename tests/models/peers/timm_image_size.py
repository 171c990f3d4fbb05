#!/usr/bin/env python3
"""Compares models at another image size than their weights' with timm's resample_abs_pos_embed.

    cmake --build build/release --target float_logits
    python3 tests/models/peers/timm_image_size.py build/release/bin/float_logits

Random weights are saved at timm's own size and run at another by float_logits --image-size and by timm; the cosine of the
logits (or features) must be above 0.9999999. Needs torch, timm, safetensors.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import timm
import timm.layers
import torch

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = [("vit_tiny_patch16_224", 160), ("deit_tiny_distilled_patch16_224", 256), ("vit_small_patch14_reg4_dinov2", 224)]


def cosine_at(program, name, size):
    torch.manual_seed(3)
    model = timm.create_model(name).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name + ".safetensors")
        safetensors.torch.save_file(weights, path)
        run = subprocess.run([program, "--image-size", str(size), path, ROOT / "docs/sample/chelsea.png"],
                             capture_output=True, text=True, check=True)
    actual = json.loads(run.stdout)

    resized = timm.create_model(name, img_size=size).eval()
    prefix = 0 if resized.no_embed_class else resized.num_prefix_tokens
    weights["pos_embed"] = timm.layers.resample_abs_pos_embed(weights["pos_embed"], resized.patch_embed.grid_size,
                                                              num_prefix_tokens=prefix)
    resized.load_state_dict(weights)
    mean, std = (torch.tensor(model.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    pixels = torch.tensor(actual["pixels"]).reshape(1, size, size, 3).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = resized((pixels / 255 - mean) / std)[0].double()
    return torch.cosine_similarity(torch.tensor(actual["logits"]).double(), expected, dim=0).item()


def main():
    failures = 0
    for name, size in CASES:
        cosine = cosine_at(sys.argv[1], name, size)
        failures += not cosine > 0.9999999
        print(f"{'ok' if cosine > 0.9999999 else 'FAILED'}  {name} at {size}: cosine {cosine:.8f}", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
