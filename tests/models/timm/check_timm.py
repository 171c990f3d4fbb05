#!/usr/bin/env python3
"""Compares the float reference with timm on random weights, and makes the goldens of timm_test.cpp.

    cmake --build build/release --target float_logits
    check_timm.py --program build/release/bin/float_logits [ARCHITECTURE ...]
    check_timm.py --program ... --quantizer build/release/bin/intvit --images PHOTOGRAPHS [ARCHITECTURE ...]
    check_timm.py --program build/release/bin/float_logits --tags
    check_timm.py --goldens tests/models/timm/goldens

Every architecture that intvit knows is built in timm with random weights (layer scales, biases, norms, tokens and
position biases included), saved as safetensors, and run in both on the pixels that float_logits makes of a photograph. The cosine of the outputs must be
above 0.99999; preprocessing, pixels, image size and the number of outputs must be timm's. --tags compares what the
names with every pretrained tag say of preprocessing and outputs, without running them. With --quantizer the weights are also
quantized on 16 photographs and the integer model is compared with the float one on as many: a folder as `intvit eval`
takes it. Needs torch, timm, numpy and safetensors.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import PIL.Image
import timm
import torch
from safetensors.torch import save_file

warnings.filterwarnings("ignore")

PHOTOGRAPH = pathlib.Path(__file__).resolve().parents[3] / "docs/sample/chelsea.png"

# Small models that between them have all that the importer joins or folds. Each becomes a golden file.
SMALL = {"img_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 5}
NAFLEX = {"patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2, "pos_embed_grid_size": [6, 6]}
PADDED = {"img_size": [22, 34], "patch_size": 2, "window_size": 4, "embed_dim": 8, "depths": [2, 2],
          "num_heads": [1, 2], "num_classes": 5}
GOLDENS = {
    "vit": ("vit_tiny_patch16_224", SMALL),
    "vit_wide_image": ("vit_tiny_patch16_224", SMALL | {"img_size": [8, 24], "mlp_ratio": 3}),
    "vit_mean_fc_norm": ("vit_base_patch16_224", SMALL | {"global_pool": "avg"}),
    "vit_mean_registers": ("vit_medium_patch16_reg4_gap_256", SMALL),
    "vit_mean_no_class_token": ("vit_medium_patch16_gap_256", SMALL),
    "deit_distilled": ("deit_tiny_distilled_patch16_224", SMALL),
    "deit_distilled_features": ("deit_tiny_distilled_patch16_224", SMALL | {"num_classes": 0}),
    "vit_token_fc_norm": ("vit_tiny_patch16_224", SMALL | {"fc_norm": True}),
    "deit3": ("deit3_small_patch16_224", SMALL),
    "dinov2": ("vit_small_patch14_dinov2", SMALL | {"num_classes": 0}),
    "dinov2_registers": ("vit_small_patch14_reg4_dinov2", SMALL | {"num_classes": 0}),
    "clip": ("vit_base_patch16_clip_quickgelu_224", SMALL),
    "siglip": ("vit_so400m_patch14_siglip_224", SMALL | {"img_size": [18, 21], "num_classes": 0}),
    "siglip_mean": ("vit_base_patch32_siglip_gap_256", SMALL),
    "dinov3": ("vit_small_patch16_dinov3", SMALL | {"num_classes": 0}),
    "dinov3_biases": ("vit_base_patch16_dinov3_qkvb", SMALL | {"img_size": [8, 24], "num_classes": 0}),
    "rope_learned": ("vit_small_patch16_rope_mixed_ape_224", SMALL),
    "rope_registers": ("vit_betwixt_patch16_rope_reg4_gap_256", SMALL),
    "pe_core": ("vit_pe_core_tiny_patch16_384", SMALL),
    "dinov3_gated": ("vit_small_plus_patch16_dinov3", SMALL | {"num_classes": 0}),
    "dinov2_gated": ("vit_giant_patch14_dinov2", SMALL | {"num_classes": 0, "mlp_ratio": 6}),
    "eva02": ("eva02_tiny_patch14_336", SMALL),
    "eva02_norms": ("eva02_base_patch14_448", SMALL | {"img_size": 28}),
    "pe_spatial": ("vit_pe_spatial_tiny_patch16_512", SMALL | {"num_classes": 0}),
    "beit": ("beit_base_patch16_224", SMALL | {"img_size": [12, 20]}),
    "beit_shared": ("beitv2_large_patch16_224", SMALL | {"use_rel_pos_bias": False, "use_shared_rel_pos_bias": True,
                                                        "use_abs_pos_emb": True, "global_pool": "token"}),
    "relpos": ("vit_relpos_small_patch16_224", SMALL | {"img_size": [12, 20]}),
    "relpos_table": ("vit_relpos_medium_patch16_cls_224", SMALL | {"rel_pos_type": "bias"}),
    "relpos_shared": ("vit_srelpos_small_patch16_224", SMALL),
    "relpos_mean": ("vit_relpos_base_patch16_clsgap_224", SMALL),
    "beit3": ("beit3_base_patch16_224", SMALL),
    "eva02_clip": ("eva02_base_patch16_clip_224", SMALL | {"img_size": 28}),
    "aimv2": ("aimv2_large_patch14_224", SMALL | {"num_classes": 0, "mlp_ratio": 3}),
    "rms": ("test_vit4", SMALL),
    "radio": ("vit_base_patch16_radio_v3", SMALL | {"img_size": 24, "num_classes": 0}),
    "naflex": ("naflexvit_base_patch16_gap", NAFLEX | {"reg_tokens": 4, "num_classes": 5}),
    "naflex_factors": ("naflexvit_base_patch16_parfac_gap", NAFLEX | {"reg_tokens": 2, "num_classes": 5}),
    "naflex_siglip": ("naflexvit_base_patch16_siglip", NAFLEX | {"num_classes": 0}),
    "eva": ("eva_giant_patch14_224", SMALL),
    "swin": ("swin_tiny_patch4_window7_224", {"img_size": 48, "patch_size": 2, "window_size": 3, "embed_dim": 8,
                                              "depths": [2, 2, 2], "num_heads": [1, 2, 4], "num_classes": 5}),
    "swin_no_bias": ("swin_tiny_patch4_window7_224", {"img_size": 24, "patch_size": 2, "window_size": [3, 3],
                                                      "embed_dim": 8, "depths": [2, 1], "num_heads": [1, 2],
                                                      "qkv_bias": False, "num_classes": 5}),
    # Windows do not divide these grids, nor are their sides even.
    "swin_padded": ("swin_tiny_patch4_window7_224", PADDED),
    "swinv2": ("swinv2_tiny_window8_256", {"img_size": 48, "patch_size": 2, "window_size": 6, "embed_dim": 8,
                                           "depths": [2, 2, 2], "num_heads": [1, 2, 4], "num_classes": 5,
                                           "pretrained_window_sizes": [4, 0, 3]}),
    "swinv2_padded": ("swinv2_base_window12to16_192to256", PADDED | {"qkv_bias": False,
                                                                     "pretrained_window_sizes": [0, 0]}),
    "map_registers": ("vit_so150m_patch16_reg4_map_256", SMALL | {"mlp_ratio": 3}),
    "map_class_token": ("vit_tiny_patch16_224", SMALL | {"global_pool": "map", "pool_include_prefix": True}),
    "rpn": ("vit_base_patch16_rpn_224", SMALL),
    "relpos_rpn": ("vit_relpos_small_patch16_rpn_224", SMALL | {"img_size": [12, 20]}),
    "eva02_rpn": ("eva02_enormous_patch14_clip_224", SMALL),
}


def golden_values(name, shape):
    """As golden_tensor() of golden_weights.cpp."""
    elements = int(np.prod(shape))
    if name.endswith(("relative_position_bias_table", "_token")) or name == "pos_embed":
        low, high = -1.0, 1.0
    elif name.endswith(".gamma"):
        low, high = 0.25, 1.0
    elif name.endswith(".bias"):
        low, high = -0.25, 0.25
    elif "norm" in name:
        low, high = 0.5, 1.5
    elif name.endswith(".logit_scale"):  # up to beyond log(100), to which it is cut
        low, high = 1.0, 6.0
    else:
        high = np.sqrt(np.float32(3) / np.float32(elements // shape[0]))
        low = -high
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    bits = np.random.RandomState(seed).randint(0, 1 << 32, elements, dtype=np.uint32)
    uniform = (bits >> 8).astype(np.float32) * np.float32(2.0**-24)
    return (np.float32(low) + (np.float32(high) - np.float32(low)) * uniform).reshape(shape)


def golden_image(height, width):
    bits = np.random.RandomState(1).randint(0, 1 << 32, height * width * 3, dtype=np.uint32)
    return (bits >> 24).astype(np.uint8).reshape(height, width, 3)


def build(architecture, arguments, dtype):
    model = timm.create_model(architecture, pretrained=False, **arguments).eval().to(dtype)
    state = {name: torch.from_numpy(golden_values(name, tuple(value.shape)))
             for name, value in model.state_dict().items()}
    model.load_state_dict({name: value.to(dtype) for name, value in state.items()})
    return model, state


def run(model, dtype, image):
    pixels = torch.from_numpy(image).to(dtype).permute(2, 0, 1) / 255
    mean, std = (torch.tensor(model.pretrained_cfg[key], dtype=dtype).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        return model(((pixels - mean) / std)[None])[0].double().numpy()


def write_goldens(folder):
    for name, (architecture, arguments) in GOLDENS.items():
        model, state = build(architecture, arguments, torch.float64)
        any_size = not hasattr(model, "patch_embed")
        size = [20, 28] if any_size else model.patch_embed.img_size
        outputs = run(model, torch.float64, golden_image(*size))
        config = model.pretrained_cfg
        kept = {key: config[key] for key in ("mean", "std", "crop_pct", "interpolation")}
        if any_size:
            kept["input_size"] = [3, *size]
        golden = {
            "config": {"architecture": architecture, "num_classes": model.num_classes,
                       "global_pool": getattr(model, "global_pool", "avg"), "model_args": arguments,
                       "pretrained_cfg": kept},
            "tensors": {tensor: list(value.shape) for tensor, value in state.items()},
            "outputs": [float(f"{value:.9g}") for value in outputs],
        }
        (pathlib.Path(folder) / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n")


def integer_cosine(quantizer, images, architecture, weights):
    """Of the integer model's outputs with the float reference's."""
    count = ["--calib-count", "16"]
    model = f"{weights}.integer"
    subprocess.run([quantizer, "quantize", "--weights", weights, "--arch", architecture, "--calib", images, *count,
                    "-o", model], capture_output=True, check=True)
    result = subprocess.run([quantizer, "eval", "-m", model, "--data", images, "--count", "16", "--float", weights,
                             "--arch", architecture, "--format", "json"], capture_output=True, check=True)
    return json.loads(result.stdout)["cosine"]


PREPROCESSING = ("input_size", "mean", "std", "crop_pct", "interpolation", "crop_mode")


def differences(known, config):
    """What is not as timm's pretrained_cfg has it."""
    wanted = {key: list(value) if isinstance(value := config.get(key, "center"), tuple) else value
              for key in PREPROCESSING}
    return [f"{key} is {known[key]}, timm's {wanted[key]}" for key in PREPROCESSING if known[key] != wanted[key]]


def check_tags(program, known):
    """Every pretrained tag of the known names: what differs, a line each. Returns how many there are and differ."""
    tags = [name for architecture in known for name in timm.list_models(f"{architecture}.*", pretrained=True)]
    listing = subprocess.run([program, "--names", *tags], capture_output=True, text=True, check=True).stdout
    failures = 0
    for name, entry in zip(tags, map(json.loads, listing.splitlines()), strict=True):
        config = timm.get_pretrained_cfg(name).to_dict()
        wrong = differences(entry, config)
        # Towers without a head have their features, of which pretrained_cfg does not tell the number.
        if config["num_classes"] == 1000 and entry["outputs"] != 1000:
            wrong.append(f"{entry['outputs']} outputs, timm's 1000")
        failures += bool(wrong)
        if wrong:
            print(f"{name:60} {'; '.join(wrong)}")
    print(f"timm {timm.__version__}: {failures} of {len(tags)} tags differ")
    return failures


def timm_pixels(config):
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=config)).transforms
    kept = [step for step in transform if type(step).__name__ not in ("ToTensor", "MaybeToTensor", "Normalize")]
    image = PIL.Image.open(PHOTOGRAPH).convert("RGB")
    for step in kept:
        image = step(image)
    return np.asarray(image)


def check(program, known, quantizer, images):
    """What is wrong with one architecture, as text; empty where nothing is. Then the cosines."""
    architecture = known["architecture"]
    # Of CLIP's names timm's defaults are now a projection, now a fine-tuned head.
    arguments = {"num_classes": known["outputs"]} if "_clip_" in architecture else {}
    model, state = build(architecture, arguments, torch.float32)
    wrong = differences(known, model.pretrained_cfg)
    norms = (torch.nn.LayerNorm, timm.layers.RmsNorm)
    eps = {module.eps for module in model.modules() if isinstance(module, norms)}
    if eps != {known["layer_norm_eps"]}:
        wrong.append(f"layer_norm_eps is {known['layer_norm_eps']}, timm's {eps}")
    with tempfile.TemporaryDirectory() as folder:
        weights = f"{folder}/{architecture}.safetensors"
        save_file(state, weights)
        result = subprocess.run([program, weights, PHOTOGRAPH], capture_output=True, text=True, check=False)
        cosines = [integer_cosine(quantizer, images, architecture, weights)] if quantizer else []
    if result.returncode != 0:
        return [*wrong, result.stderr.strip()], cosines
    reference = json.loads(result.stdout)
    actual = np.array(reference["logits"])
    pixels = np.array(reference["pixels"], dtype=np.uint8).reshape(known["input_size"][1:] + [3])
    if not np.array_equal(pixels, timm_pixels(model.pretrained_cfg)):
        wrong.append("pixels differ")
    expected = run(model, torch.float32, pixels)
    if len(actual) != len(expected) or len(expected) != known["outputs"]:
        return [*wrong, f"{len(actual)} outputs, timm's {len(expected)}"], cosines
    cosine = float(actual @ expected / np.linalg.norm(actual) / np.linalg.norm(expected))
    # The tails of two sums may differ by much more than the cosine tells.
    if not cosine > 0.99999 or not np.abs(actual - expected).max() < 1e-3 * np.abs(expected).max():
        wrong.append("outputs differ")
    return wrong, [cosine, *cosines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="float_logits")
    parser.add_argument("--quantizer", help="intvit")
    parser.add_argument("--images", help="photographs and labels for --quantizer")
    parser.add_argument("--tags", action="store_true", help="compare the preprocessing of all pretrained tags")
    parser.add_argument("--goldens", help="folder to write the goldens to")
    parser.add_argument("architectures", nargs="*", help="default: all")
    options = parser.parse_args()
    if options.goldens:
        write_goldens(options.goldens)
    if not options.program:
        return 0
    listing = subprocess.run([options.program], capture_output=True, text=True, check=True).stdout
    known = {entry["architecture"]: entry for entry in map(json.loads, listing.splitlines())}
    if options.tags:
        return 1 if check_tags(options.program, options.architectures or list(known)) else 0
    failures = 0
    for name in options.architectures or known:
        wrong, cosines = check(options.program, known[name], options.quantizer, options.images)
        failures += bool(wrong)
        print(f"{name:40} {' '.join(f'{cosine:.9f}' for cosine in cosines)} {'; '.join(wrong) or 'ok'}", flush=True)
    print(f"timm {timm.__version__}, torch {torch.__version__}: {failures} of {len(options.architectures or known)} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
