#!/usr/bin/env python3
"""Compares quantized image towers of CLIP and SigLIP with transformers' float ones, as what words are made for needs it.

    cmake --build build/release --target intvit
    python3 tests/models/peers/towers.py build/release/bin/intvit PHOTOGRAPHS [clip-b32 clip-b16 siglip-b16 clip-l14] [--count 200]

Each tower has random weights and its real size. It is calibrated on 100 of the photographs and gives the features of
others. Their cosine with the float features must be 0.999 at least, in the mean, and of 1,000 random directions, as text
embeddings would be, the nearest must be the same for 97 % of the images, in the mean of 200 draws of directions.

Needs torch, transformers, Pillow.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import torch
import transformers as hf

import transformers_folders as folders

LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
         "patch_size": 14, "projection_dim": 768}
CLIP = hf.CLIPVisionModelWithProjection, hf.CLIPVisionConfig, folders.clip_crop
SIGLIP = hf.SiglipVisionModel, hf.SiglipVisionConfig, folders.siglip_squash
TOWERS = {"clip-b32": (*CLIP, {}), "clip-b16": (*CLIP, {"patch_size": 16}), "siglip-b16": (*SIGLIP, {}),
          "clip-l14": (*CLIP, LARGE)}


def run(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(" ".join(map(str, command)) + "\n" + result.stderr)


def links(folder, pictures):
    folder.mkdir()
    for i, picture in enumerate(pictures):
        (folder / f"{i:05}{picture.suffix}").symlink_to(picture.resolve())


def check(intvit, name, calibration, test, folder):
    model_class, config_class, processor_for, changes = TOWERS[name]
    model = model_class(config_class(**changes)).eval()
    processor = processor_for(224)
    folders.randomize(model)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    links(folder / "calibration", calibration)
    links(folder / "test", test)
    run(intvit, "quantize", "--weights", folder, "--calib", folder / "calibration", "--calib-count", len(calibration),
        "-o", folder / "model.intvit")
    run(intvit, "features", "-m", folder / "model.intvit", folder / "test", "--format", "npy", "-o", folder / "f.npy")
    found = np.load(folder / "f.npy").astype(np.float64)
    with torch.no_grad():
        expected = np.array([folders.expected(model, processor, PIL.Image.open(path).convert("RGB"))[1].double().numpy()
                             for path in test])
    cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    # Features of random weights lie close together, so a draw of texts has few classes that occur and says little.
    generator = np.random.default_rng(3)
    same, occur = [], []
    for _ in range(200):
        texts = generator.standard_normal((1000, expected.shape[1]))
        texts /= np.linalg.norm(texts, axis=1, keepdims=True)
        classes = (expected @ texts.T).argmax(1)
        same.append(((found @ texts.T).argmax(1) == classes).mean())
        occur.append(len(set(classes)))
    error = np.std(same, ddof=1) / len(same) ** 0.5
    same = np.mean(same)
    good = cosines.mean() >= 0.999 and same >= 0.97
    print(f"{'ok' if good else 'FAILED':8}{name}: {len(test)} images, cosine {cosines.mean():.6f}, lowest "
          f"{cosines.min():.6f}, same nearest of 1000 {100 * same:.2f} +- {100 * error:.2f} % in the mean of 200 draws, of "
          f"{min(occur)} to {max(occur)} that occur", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("intvit")
    parser.add_argument("photographs")
    parser.add_argument("towers", nargs="*", choices=[[], *TOWERS])
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    hf.logging.set_verbosity_error()
    pictures = sorted(path for path in pathlib.Path(options.photographs).rglob("*")
                      if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    random.Random(1).shuffle(pictures)
    failures = 0
    for name in options.towers or TOWERS:
        with tempfile.TemporaryDirectory() as folder:
            failures += not check(options.intvit, name, pictures[:100], pictures[100:100 + options.count],
                                  pathlib.Path(folder))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
