#!/usr/bin/env python3
"""Compares the import of Hugging Face folders with PyPI's transformers itself.

Every kind of model that can be imported is made with random weights, saved by transformers (whole, sharded, in
float16 and bfloat16, or its state_dict() alone, whose names are others), and run by transformers' image processor and model on a photograph. float_logits must give the
same pixels, byte for byte, and logits (or features) whose cosine with transformers' is above 0.9999999.

    cmake --build build/release --target float_logits
    python3 tests/models/peers/transformers_folders.py build/release/bin/float_logits [--full] [PHOTOGRAPH]

Needs torch, torchvision, transformers, safetensors, Pillow. --full adds the usual sizes of each kind.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import torch
import transformers as hf
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
SMALL = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 64, "patch_size": 16}
LABELS = {"id2label": {0: "ant", 1: "bee", 2: "cat", 3: "dog", 4: "elk"},
          "label2id": {"ant": 0, "bee": 1, "cat": 2, "dog": 3, "elk": 4}}


def vit(**changes):
    return hf.ViTForImageClassification(hf.ViTConfig(**{**SMALL, "intermediate_size": 96, **LABELS, **changes}))


def deit(model=hf.DeiTForImageClassification, **changes):
    return model(hf.DeiTConfig(**{**SMALL, "intermediate_size": 96, **LABELS, **changes}))


def swin(model=hf.SwinForImageClassification, **changes):
    return model(hf.SwinConfig(**{"image_size": 64, "patch_size": 4, "embed_dim": 24, "depths": [2, 2, 2],
                                  "num_heads": [2, 3, 4], "window_size": 4, **LABELS, **changes}))


def swin_v2(model=hf.Swinv2ForImageClassification, **changes):
    return model(hf.Swinv2Config(**{"image_size": 64, "patch_size": 4, "embed_dim": 24, "depths": [2, 2, 2],
                                    "num_heads": [2, 3, 4], "window_size": 4, **LABELS, **changes}))


def dinov2(**changes):
    return hf.Dinov2Model(hf.Dinov2Config(**{**SMALL, **changes}))


def dinov2_registers(**changes):
    return hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(**{**SMALL, **changes}))


def dinov2_classifier(model, config):
    return model(config(**SMALL, num_labels=7))


def dinov3(**changes):
    return hf.DINOv3ViTModel(hf.DINOv3ViTConfig(**{**SMALL, "intermediate_size": 96, **changes}))


def beit(model=hf.BeitForImageClassification, config=hf.BeitConfig, **changes):
    return model(config(**{**SMALL, "intermediate_size": 96, "use_relative_position_bias": True, **LABELS, **changes}))


def beit_squash(size, **changes):
    return hf.BeitImageProcessorPil(size={"height": size, "width": size}, **changes)


def squash(size, **changes):
    return hf.ViTImageProcessorPil(size={"height": size, "width": size}, **changes)


def crop(processor, resize, size, **changes):
    resize = {"shortest_edge": resize} if processor is hf.BitImageProcessorPil else {"height": resize, "width": resize}
    return processor(size=resize, crop_size={"height": size, "width": size}, **changes)


VISION = {**SMALL, "intermediate_size": 96, "num_hidden_layers": 2}
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 99}


def clip(model=hf.CLIPModel, **changes):
    vision = {**VISION, "projection_dim": 40, **changes}
    if model in (hf.CLIPVisionModel, hf.CLIPVisionModelWithProjection):
        return model(hf.CLIPVisionConfig(**vision))
    labels = LABELS if model is hf.CLIPForImageClassification else {}
    return model(hf.CLIPConfig(vision_config=vision, text_config=TEXT, projection_dim=40, **labels))


def siglip(model=hf.SiglipModel, **changes):
    vision = {**VISION, **changes}
    if model is hf.SiglipVisionModel:
        return model(hf.SiglipVisionConfig(**vision))
    labels = LABELS if model is hf.SiglipForImageClassification else {}
    text = {**TEXT, "projection_size": vision["hidden_size"]}
    return model(hf.SiglipConfig(vision_config=vision, text_config=text, **labels))


def clip_crop(size):
    return hf.CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def siglip_squash(size):
    return hf.SiglipImageProcessorPil(size={"height": size, "width": size})


# Name, model, processor, how it is saved.
SMALL_CASES = [
    ("vit", vit, lambda: squash(64), {}),
    ("vit, shards", vit, lambda: squash(64, resample=3), {"max_shard_size": "60KB"}),
    ("vit, float16", vit, lambda: squash(64, resample=1), {"dtype": torch.float16}),
    ("vit, bfloat16 shards", vit, lambda: squash(64), {"dtype": torch.bfloat16, "max_shard_size": "30KB"}),
    ("vit, no qkv bias", lambda: vit(qkv_bias=False), lambda: squash(64), {}),
    ("vit, wide", lambda: vit(image_size=[48, 96]), lambda: hf.ViTImageProcessorPil(size={"height": 48, "width": 96}), {}),
    ("vit, grey", lambda: vit(num_channels=1), lambda: squash(64, image_mean=[0.3], image_std=[0.2]), {"grey": True}),
    ("swin, grey, its state alone", lambda: swin(num_channels=1),
     lambda: squash(64, resample=3, image_mean=[0.3], image_std=[0.2]), {"grey": True, "state": True}),
    ("beit, grey", lambda: beit(num_channels=1), lambda: beit_squash(64, image_mean=[0.3], image_std=[0.2]),
     {"grey": True}),
    ("dinov3, grey", lambda: dinov3(num_channels=1), lambda: squash(64, image_mean=[0.3], image_std=[0.2]),
     {"grey": True}),
    ("vit, features", lambda: hf.ViTModel(vit().config), lambda: squash(64), {}),
    ("vit, its state alone", vit, lambda: squash(64), {"state": True}),
    ("vit, quick-GELU", lambda: vit(hidden_act="quick_gelu"), lambda: squash(64), {}),
    ("deit, its state alone", lambda: deit(hf.DeiTForImageClassificationWithTeacher),
     lambda: crop(hf.DeiTImageProcessorPil, 73, 64), {"state": True}),
    ("swin, its state alone", swin, lambda: squash(64, resample=3), {"state": True}),
    ("swin, tanh-GELU", lambda: swin(hidden_act="gelu_pytorch_tanh"), lambda: squash(64, resample=3), {}),
    ("vit-mae", lambda: hf.ViTMAEModel(hf.ViTMAEConfig(**{**SMALL, "intermediate_size": 96, "mask_ratio": 0.0})),
     lambda: squash(64), {}),
    ("vit-msn", lambda: hf.ViTMSNForImageClassification(hf.ViTMSNConfig(**{**SMALL, "intermediate_size": 96, **LABELS})),
     lambda: squash(64), {}),
    ("vit-msn, features", lambda: hf.ViTMSNModel(hf.ViTMSNConfig(**{**SMALL, "intermediate_size": 96})),
     lambda: squash(64), {"state": True}),
    ("i-jepa", lambda: hf.IJepaForImageClassification(hf.IJepaConfig(**{**SMALL, "intermediate_size": 96, **LABELS})),
     lambda: squash(64), {}),
    ("i-jepa, features", lambda: hf.IJepaModel(hf.IJepaConfig(**{**SMALL, "intermediate_size": 96})),
     lambda: squash(64), {}),
    ("vit, SiLU", lambda: vit(hidden_act="silu"), lambda: squash(64), {}),
    ("dinov2, classifier", lambda: dinov2_classifier(hf.Dinov2ForImageClassification, hf.Dinov2Config),
     lambda: crop(hf.BitImageProcessorPil, 72, 64), {}),
    ("dinov2 with registers, classifier, its state alone",
     lambda: dinov2_classifier(hf.Dinov2WithRegistersForImageClassification, hf.Dinov2WithRegistersConfig),
     lambda: crop(hf.BitImageProcessorPil, 72, 64), {"state": True}),
    ("dinov2, gated MLP", lambda: dinov2(use_swiglu_ffn=True), lambda: crop(hf.BitImageProcessorPil, 72, 64), {}),
    ("dinov2 with registers, gated MLP, its state alone", lambda: dinov2_registers(use_swiglu_ffn=True, mlp_ratio=3),
     lambda: crop(hf.BitImageProcessorPil, 72, 64), {"state": True}),
    ("beit", beit, lambda: beit_squash(64), {}),
    ("beit, its state alone", beit, lambda: beit_squash(64), {"state": True}),
    ("beit, resized and cropped", beit, lambda: beit_squash(73, do_center_crop=True,
                                                           crop_size={"height": 64, "width": 64}), {}),
    ("beit, shared bias, positions, class token",
     lambda: beit(use_shared_relative_position_bias=True, use_absolute_position_embeddings=True,
                  use_mean_pooling=False, layer_scale_init_value=0.0), lambda: beit_squash(64), {}),
    ("beit, shared bias, its state alone", lambda: beit(use_shared_relative_position_bias=True,
                                                        use_relative_position_bias=False),
     lambda: beit_squash(64), {"state": True}),
    ("beit without biases", lambda: beit(use_relative_position_bias=False, use_absolute_position_embeddings=True),
     lambda: beit_squash(64), {}),
    ("beit, features", lambda: beit(hf.BeitModel), lambda: beit_squash(64), {}),
    ("data2vec-vision", lambda: beit(hf.Data2VecVisionForImageClassification, hf.Data2VecVisionConfig),
     lambda: beit_squash(64), {}),
    ("data2vec-vision, features, its state alone", lambda: beit(
        lambda config: hf.Data2VecVisionModel(config, add_pooling_layer=True), hf.Data2VecVisionConfig),
     lambda: beit_squash(64), {"state": True}),
    ("dinov3, gated MLP", lambda: dinov3(num_register_tokens=4, use_gated_mlp=True, hidden_act="silu"),
     lambda: squash(64), {}),
    ("dinov3, MLP gated by GELU, its state alone", lambda: dinov3(use_gated_mlp=True), lambda: squash(64),
     {"state": True}),
    ("dinov3", lambda: dinov3(num_register_tokens=4), lambda: squash(64), {}),
    ("dinov3, its state alone, all biases", lambda: dinov3(key_bias=True, rope_theta=50.0, image_size=[64, 64]),
     lambda: squash(64), {"state": True}),
    ("dinov3 at another size", lambda: dinov3(image_size=224, query_bias=False), lambda: squash(80), {}),
    ("dinov2, its state alone", dinov2, lambda: crop(hf.BitImageProcessorPil, 72, 64), {"state": True}),
    ("dinov2 without registers", lambda: dinov2_registers(num_register_tokens=0),
     lambda: crop(hf.BitImageProcessorPil, 72, 64), {}),
    ("vit, no normalization", vit, lambda: squash(64, do_normalize=False), {}),
    ("vit, no rescaling", vit, lambda: squash(64, do_rescale=False, image_mean=[120, 115, 100],
                                              image_std=[60, 61, 62]), {}),
    ("deit", deit, lambda: crop(hf.DeiTImageProcessorPil, 73, 64), {}),
    ("deit with teacher", lambda: deit(hf.DeiTForImageClassificationWithTeacher),
     lambda: crop(hf.DeiTImageProcessorPil, 75, 64), {}),
    ("deit, features", lambda: deit(hf.DeiTModel), lambda: crop(hf.DeiTImageProcessorPil, 72, 64), {}),
    ("swin", swin, lambda: squash(64, resample=3), {}),
    ("swin, shards", swin, lambda: squash(64, resample=3), {"max_shard_size": "100KB"}),
    ("swin, no qkv bias", lambda: swin(qkv_bias=False), lambda: squash(64), {}),
    ("swin, features", lambda: swin(hf.SwinModel), lambda: squash(64), {}),
    ("swin, windows that do not divide", lambda: swin(image_size=52), lambda: squash(52), {}),
    ("swin, windows that do not divide, not square", lambda: swin(image_size=[52, 84]),
     lambda: hf.ViTImageProcessorPil(size={"height": 52, "width": 84}), {}),
    ("swin v2", swin_v2, lambda: squash(64, resample=3), {}),
    ("swin v2, its state alone", swin_v2, lambda: squash(64, resample=3), {"state": True}),
    ("swin v2, shards of float16", swin_v2, lambda: squash(64), {"dtype": torch.float16, "max_shard_size": "100KB"}),
    ("swin v2, no qkv bias", lambda: swin_v2(qkv_bias=False), lambda: squash(64), {}),
    ("swin v2, features", lambda: swin_v2(hf.Swinv2Model), lambda: squash(64), {}),
    ("swin v2, windows trained with before", lambda: swin_v2(window_size=8, pretrained_window_sizes=[4, 4, 4]),
     lambda: squash(64), {}),
    ("swin v2, windows that do not divide", lambda: swin_v2(image_size=52, depths=[2, 2], num_heads=[2, 3]),
     lambda: squash(52), {}),
    ("dinov2", dinov2, lambda: crop(hf.BitImageProcessorPil, 72, 64), {}),
    ("dinov2 at another size", lambda: dinov2(image_size=112), lambda: crop(hf.BitImageProcessorPil, 75, 64), {}),
    ("dinov2 with registers", dinov2_registers, lambda: crop(hf.BitImageProcessorPil, 73, 64), {}),
    ("dinov2 with registers at another size", lambda: dinov2_registers(image_size=112),
     lambda: crop(hf.BitImageProcessorPil, 73, 64), {}),
    ("clip", clip, lambda: clip_crop(64), {}),
    ("clip, shards of float16", clip, lambda: clip_crop(64), {"dtype": torch.float16, "max_shard_size": "60KB"}),
    ("clip, gelu", lambda: clip(hidden_act="gelu", layer_norm_eps=1e-6), lambda: clip_crop(64), {}),
    ("clip, patches of 14 in 64 pixels", lambda: clip(patch_size=14), lambda: clip_crop(64), {}),
    ("clip, image tower", lambda: clip(hf.CLIPVisionModel), lambda: clip_crop(64), {}),
    ("clip, image tower with projection", lambda: clip(hf.CLIPVisionModelWithProjection), lambda: clip_crop(64), {}),
    ("clip, classifier", lambda: clip(hf.CLIPForImageClassification), lambda: clip_crop(64), {}),
    ("siglip", siglip, lambda: siglip_squash(64), {}),
    ("siglip, heads of 72", lambda: siglip(hidden_size=144, num_attention_heads=2), lambda: siglip_squash(64), {}),
    ("siglip, patches of 14 in 64 pixels", lambda: siglip(patch_size=14), lambda: siglip_squash(64), {}),
    ("siglip, image tower", lambda: siglip(hf.SiglipVisionModel), lambda: siglip_squash(64), {}),
    ("siglip, classifier", lambda: siglip(hf.SiglipForImageClassification), lambda: siglip_squash(64), {}),
]
FULL_CASES = [
    ("ViT-B/16", lambda: hf.ViTForImageClassification(hf.ViTConfig(num_labels=1000)), lambda: squash(224), {}),
    ("DeiT-S/16 with teacher", lambda: hf.DeiTForImageClassificationWithTeacher(
        hf.DeiTConfig(num_labels=1000, hidden_size=384, num_attention_heads=6, intermediate_size=1536)),
     hf.DeiTImageProcessorPil, {}),
    ("Swin-T", lambda: hf.SwinForImageClassification(hf.SwinConfig(num_labels=1000)), lambda: squash(224, resample=3),
     {"max_shard_size": "30MB"}),
    ("Swin V2-T", lambda: hf.Swinv2ForImageClassification(hf.Swinv2Config(num_labels=1000, image_size=256,
                                                                          window_size=8)), lambda: squash(256), {}),
    ("DINOv2-S/14, 518 to 224", lambda: hf.Dinov2Model(hf.Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518)), lambda: crop(hf.BitImageProcessorPil, 256, 224), {}),
    ("DINOv2-S/14 with registers, 518 to 224", lambda: hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14)),
     lambda: crop(hf.BitImageProcessorPil, 256, 224), {}),
    ("CLIP B/32", lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig()), lambda: clip_crop(224), {}),
    ("CLIP B/16", lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(patch_size=16)), lambda: clip_crop(224), {}),
    ("CLIP L/14", lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14,
        projection_dim=768)), lambda: clip_crop(224), {}),
    ("SigLIP B/16", lambda: hf.SiglipVisionModel(hf.SiglipVisionConfig()), lambda: siglip_squash(224), {}),
    ("SigLIP so400m/14, 384, 6 blocks", lambda: hf.SiglipVisionModel(hf.SiglipVisionConfig(
        hidden_size=1152, intermediate_size=4304, num_hidden_layers=6, num_attention_heads=16, patch_size=14,
        image_size=384)), lambda: siglip_squash(384), {}),
]


def randomize(model):
    """Fresh models hold zeros and ones where trained ones do not; such weights would hide what is left out."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("logit_scale"):  # some beyond log(100), to which it is cut
                parameter.copy_(3 + 1.5 * noise)
            elif "norm" in name and name.endswith("weight") or "lambda1" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() >= 2 and not name.endswith("token") and "position_embeddings" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.3 * noise)


def expected(model, processor, photograph):
    """The pixels before rescaling and normalization, red, green and blue, and the logits or features. transformers
    leaves it to the caller to make a photograph grey, and takes it as an array with a channel."""
    given = {"images": photograph}
    if photograph.mode == "L":
        given = {"images": np.asarray(photograph)[:, :, None], "input_data_format": "channels_last"}
    plain = type(processor)(**{**processor.to_dict(), "do_rescale": False, "do_normalize": False})
    pixels = np.asarray(plain(**given, return_tensors="np").pixel_values[0]).transpose(1, 2, 0)
    pixels = np.broadcast_to(pixels, pixels.shape[:2] + (3,))
    with torch.no_grad():
        values = processor(**given, return_tensors="pt").pixel_values.float()
        towers = isinstance(model, (hf.CLIPModel, hf.SiglipModel))
        output = model.get_image_features(values) if towers else model(values)
    if isinstance(model, hf.CLIPVisionModelWithProjection):
        return pixels, output.image_embeds[0]
    if towers or isinstance(model, (hf.CLIPVisionModel, hf.SiglipVisionModel)):
        return pixels, getattr(output, "pooler_output", output)[0]
    if hasattr(output, "logits"):
        return pixels, output.logits[0]
    if isinstance(model, hf.IJepaModel):
        return pixels, output.last_hidden_state[0].mean(0)
    if isinstance(model, (hf.SwinModel, hf.Swinv2Model, hf.BeitModel, hf.Data2VecVisionModel)):
        return pixels, output.pooler_output[0]
    return pixels, output.last_hidden_state[0, 0]


def check(program, case, photograph_path):
    name, make_model, make_processor, saving = case
    model, processor = make_model().eval(), make_processor()
    randomize(model)
    saving = dict(saving)
    model = model.to(saving.pop("dtype", torch.float32))
    with tempfile.TemporaryDirectory() as folder:
        state = saving.pop("state", False)
        mode = "L" if saving.pop("grey", False) else "RGB"
        model.save_pretrained(folder, **saving)
        if state:
            save_file(model.state_dict(), f"{folder}/model.safetensors")
        processor.save_pretrained(folder)
        shards = sum(entry.endswith(".safetensors") for entry in os.listdir(folder))
        run = subprocess.run([program, folder, photograph_path], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return False, name + ": " + run.stderr.strip()
    actual = json.loads(run.stdout)
    pixels, logits = expected(model.float(), processor, PIL.Image.open(photograph_path).convert(mode))
    equal = np.array_equal(np.asarray(actual["pixels"]), pixels.astype(np.int64).ravel())
    a, b = np.asarray(actual["logits"]), logits.double().numpy()
    cosine = a @ b / np.sqrt((a @ a) * (b @ b)) if a.shape == b.shape else 0
    labels = [] if "LABEL" in next(iter(model.config.id2label.values())) or not hasattr(model, "num_labels") else \
        list(model.config.id2label.values())
    good = equal and cosine > 0.9999999 and actual["labels"] == labels and ("max_shard_size" in saving) == (shards > 1)
    return good, f"{name}: pixels {'equal' if equal else 'DIFFER'}, cosine {cosine:.8f}, {actual['recipe']}" + \
        (f", {shards} shards" if shards > 1 else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("photograph", nargs="?", default=ROOT / "docs/sample/chelsea.png")
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    hf.logging.set_verbosity_error()
    hf.utils.logging.disable_progress_bar()
    failures = 0
    for case in SMALL_CASES + (FULL_CASES if arguments.full else []):
        good, line = check(arguments.program, case, arguments.photograph)
        failures += not good
        print(("ok      " if good else "FAILED  ") + line, flush=True)
    print(f"{failures} failures; transformers {hf.__version__}, torch {torch.__version__}")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
