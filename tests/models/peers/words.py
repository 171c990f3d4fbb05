#!/usr/bin/env python3
"""Compares classifiers from words with transformers' own zero-shot classification, from pictures and names to scores.

    cmake --build build/release --target intvit
    python3 tests/models/peers/words.py build/release/bin/intvit PHOTOGRAPHS [--siglip] [--count 40]

A CLIP (with --siglip a SigLIP, where intvit has sentencepiece) with random weights is saved with a tokenizer; intvit makes
a classifier of 20 names and two prompts with it, calibrated on 100 of the photographs, and classifies others. Its logits
must point where logits_per_image of transformers does, whose text embeddings are averaged over the prompts as CLIP does,
and the same words given with `intvit classes`, and as --text-features, must give the same.

Needs torch, transformers, tokenizers, sentencepiece, Pillow.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import torch
import transformers as hf

import texts
import transformers_folders as folders

NAMES = ["cat", "dog", "a big bird", "bicycle", "naïve café", "日本の家", "house", "tree", "red car", "blue car", "boat",
         "horse", "person", "table", "lamp", "flower", "apple", "mountain", "river", "cloud"]
PROMPTS = ["a photo of a {}.", "it's the {}"]


def models(siglip):
    vision = {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 3,
              "image_size": 96, "patch_size": 14}
    text = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4}

    def make(vocabulary, tokenizer):
        of_text = {**text, "vocab_size": vocabulary}
        if siglip:
            return hf.SiglipModel(hf.SiglipConfig(vision_config=vision, text_config={**of_text, "projection_size": 192}))
        of_text |= {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
        return hf.CLIPModel(hf.CLIPConfig(vision_config=vision, text_config=of_text, projection_dim=96))
    return make


def embeddings(model, tokenizer, siglip):
    with torch.no_grad():
        sums = []
        for name in NAMES:
            total = 0
            for prompt in PROMPTS:
                ids = tokenizer(prompt.replace("{}", name), return_tensors="pt",
                                padding="max_length" if siglip else False, truncation=True,
                                max_length=64 if siglip else 77)["input_ids"]
                feature = model.get_text_features(ids)
                feature = getattr(feature, "pooler_output", feature)[0]
                total = total + feature / feature.norm()
            sums.append(total / total.norm())
    return torch.stack(sums)


def run(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(" ".join(map(str, command)) + "\n" + result.stderr)
    return result.stdout


def logits(intvit, model, photographs):
    info = json.loads(run(intvit, "info", "-m", model, "--format", "json"))
    lines = run(intvit, "classify", "-m", model, "--format", "json", "--raw-logits", *photographs).splitlines()
    return np.array([json.loads(line)["logits"] for line in lines]) * 2.0 ** -info["logit_fraction_bits"]


def compared(found, expected):
    """Cosine of logits less their mean over the classes, the mean over images; share whose best class is, but for 0.25."""
    a, b = (x - x.mean(1, keepdims=True) for x in (found, expected))
    cosines = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    best = np.take_along_axis(expected, found.argmax(1)[:, None], 1)[:, 0]
    return float(cosines.mean()), float((best >= expected.max(1) - 0.25).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("intvit")
    parser.add_argument("photographs")
    parser.add_argument("--siglip", action="store_true")
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    hf.logging.set_verbosity_error()
    pictures = sorted(path for path in pathlib.Path(options.photographs).rglob("*")
                      if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        vocabulary_of = texts.siglip_tokenizer if options.siglip else texts.clip_tokenizer
        tokenizer = vocabulary_of(texts.make_texts(500, 2) + NAMES * 3, folder)
        model = models(options.siglip)(len(tokenizer), tokenizer).eval()
        texts.randomize(model)
        with torch.no_grad():
            model.logit_scale.fill_(np.log(50.0))
        model.save_pretrained(folder)
        processor = folders.siglip_squash(96) if options.siglip else folders.clip_crop(96)
        processor.save_pretrained(folder)
        names = pathlib.Path(folder) / "names.txt"
        names.write_text("\n".join(NAMES) + "\n", encoding="utf-8")
        calibration = pathlib.Path(folder) / "calibration"
        calibration.mkdir()
        for picture in pictures[options.count:options.count + 100]:
            (calibration / picture.name).symlink_to(picture.resolve())
        # As PNG, so that decoders of JPEG play no part.
        test = []
        for i, picture in enumerate(pictures[:options.count]):
            test.append(pathlib.Path(folder) / f"{i:03}.png")
            PIL.Image.open(picture).convert("RGB").save(test[-1])

        of_texts = embeddings(model, tokenizer, options.siglip)
        expected = []
        with torch.no_grad():
            for path in test:
                values = processor(PIL.Image.open(path), return_tensors="pt").pixel_values.float()
                feature = model.get_image_features(values)
                feature = getattr(feature, "pooler_output", feature)[0]
                bias = model.logit_bias if options.siglip else 0
                expected.append((of_texts @ (feature / feature.norm()) * model.logit_scale.exp() + bias).numpy())
        expected = np.array(expected)

        prompts = [word for prompt in PROMPTS for word in ("--prompt", prompt)]
        mine = pathlib.Path(folder) / "mine.safetensors"
        run(options.intvit, "quantize", "--weights", folder, "--calib", calibration, "--calib-count", 100, "--classes", names,
            *prompts, "-o", mine)
        np.save(f"{folder}/words.npy", 3 * of_texts.numpy())
        two = pathlib.Path(folder) / "two.safetensors"
        run(options.intvit, "classes", "-m", mine, "--weights", folder, "--classes", "cat,dog", "-o", two)
        other = pathlib.Path(folder) / "other.safetensors"
        run(options.intvit, "classes", "-m", two, "--weights", folder, "--classes", names, *prompts, "-o", other)
        given = pathlib.Path(folder) / "given.safetensors"
        run(options.intvit, "classes", "-m", mine, "--classes", names, "--text-features", f"{folder}/words.npy", "-o", given)
        # Without photographs `classes` rounds the head's weights to the nearest.
        for name, path, least in (("quantize", mine, 0.999), ("classes", other, 0.99), ("text features", given, 0.99)):
            found = logits(options.intvit, path, test)
            cosine, same = compared(found, expected)
            good = cosine > least and same >= 0.97
            failures += not good
            print(f"{'ok' if good else 'FAILED':8}{name}: cosine of centred logits {cosine:.6f}, best class within 0.25 "
                  f"{100 * same:.1f} %, mean difference {np.abs(found - expected).mean():.4f}, logits from "
                  f"{expected.min():.2f} to {expected.max():.2f}, {len(set(expected.argmax(1)))} classes", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
