#!/usr/bin/env python3
"""Compares tokenizers and text towers with PyPI's transformers itself.

    cmake --build build/release --target float_texts
    python3 tests/models/peers/texts.py build/release/bin/float_texts [--count 10000] [--full]

CLIP's tokenizer is given a vocabulary that is trained on the texts themselves, SigLIP's (where float_texts was built
with sentencepiece) a sentencepiece model that is trained on them. The tokens of `count` texts of many scripts, with
emoji, empty, very long, with marks, odd spaces and names of special tokens must be equal, and the features of random
towers must have a cosine above 0.99999 with transformers'. --full adds towers of the usual size, --vocabulary CLIP's
tokens by the vocabulary that its models have: bpe_simple_vocab_16e6.txt.gz of PyPI's open_clip_torch.

Needs torch, transformers, tokenizers, sentencepiece.
"""

import argparse
import functools
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import sentencepiece
import tokenizers
import torch
import transformers as hf

ALPHABETS = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "áàâäåãæçéèêëíîïñóòôöõøœßúùûüýÿ",
             "αβγδεζηθικλμνξοπρσςτυφχψωΑΒΓΔΩΣΆΈ", "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГД", "אבגדהוזחטיכלמנסעפצקרשת",
             "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "अआइईउऊएऐओऔकखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौ्",
             "กขคงจฉชซฌญฎฏฐณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮะัาำิีึืุูเแโใไ", "가나다라마바사아자차카타파하한국어",
             "あいうえおかきくけこさしすせそカキクケコ漢字日本語中文汉字", "😀😃🐶🐱👩‍👩‍👧‍👦🏳️‍🌈❤️👍🏽", "̧̣̀́̂̃̄̈̊", "٠١٢٣४५६Ⅷ½²③",
             "!?.,;:'\"()[]{}<>@#$%^&*-_=+/\\|~`", "ＡＢｃ１２ﬁﬂ™℃№", "İıŁłĐđŞşĞğ"]
WORDS = "a photo of the cat dog house it's they're I'll we've don't can't picture bicycle Straße naïve".split()
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", " ", "　", " "]


def make_texts(count, seed):
    rng = random.Random(seed)

    def word():
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(WORDS)
        if kind < 0.45:
            return rng.choice(["<|endoftext|>", "<|startoftext|>", "'S", "'ll'", "x" * rng.randint(20, 200), "…", "—"])
        alphabets = rng.sample(ALPHABETS, rng.randint(1, 2))
        return "".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.randint(1, 9)))

    texts = ["", " ", "a" * 5000, "日本" * 400, "cat " * 300]
    while len(texts) < count:
        texts.append("".join(word() + rng.choice(SPACES) for _ in range(rng.randint(1, 25))))
    return texts


def clip_tokenizer(texts, folder):
    trained = tokenizers.Tokenizer(tokenizers.models.BPE(end_of_word_suffix="</w>"))
    trained.normalizer = tokenizers.normalizers.Sequence([tokenizers.normalizers.NFC(),
                                                          tokenizers.normalizers.Lowercase()])
    trained.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.WhitespaceSplit(), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trained.train_from_iterator(texts, tokenizers.trainers.BpeTrainer(
        vocab_size=3000, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(trained.to_str())["model"]
    pieces = [c for c in sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {piece: i for i, piece in enumerate(pieces + [piece + "</w>" for piece in pieces])}
    merges = []
    for first, second in (tuple(merge) if isinstance(merge, list) else tuple(merge.split(" "))
                          for merge in model["merges"]):
        if first in vocabulary and second in vocabulary:
            vocabulary.setdefault(first + second, len(vocabulary))
            merges.append((first, second))
    return saved_clip_tokenizer(vocabulary, merges, folder)


def clip_tokenizer_of(file, _, folder):
    """The tokenizer that is given as CLIP's authors keep it: a line of who wrote it, then merges."""
    lines = gzip.open(file, "rt", encoding="utf-8").read().split("\n")
    merges = [tuple(line.split()) for line in lines[1:49152 - 256 - 2 + 1]]
    letters = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    pieces = [chr(code) for code in letters] + [chr(256 + i) for i in range(256 - len(letters))]
    tokens = pieces + [piece + "</w>" for piece in pieces] + ["".join(merge) for merge in merges]
    return saved_clip_tokenizer({token: i for i, token in enumerate(tokens)}, merges, folder)


def saved_clip_tokenizer(vocabulary, merges, folder):
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    folder = pathlib.Path(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(merge) for merge in merges) + "\n",
                                       encoding="utf-8")
    return hf.CLIPTokenizer(vocab=vocabulary, merges=merges)


def siglip_tokenizer(texts, folder):
    source = pathlib.Path(folder) / "texts.txt"
    source.write_text("\n".join(text.lower().replace("\n", " ") for text in texts), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source), model_prefix=str(pathlib.Path(folder) / "spiece"), vocab_size=2000, hard_vocab_limit=False, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, character_coverage=0.995, model_type="unigram", minloglevel=2,
        normalization_rule_name="nmt_nfkc", max_sentence_length=100000)
    return hf.SiglipTokenizer(str(pathlib.Path(folder) / "spiece.model"))


def randomize(model):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif "logit_" in name:
                parameter.copy_(2 + noise)
            elif parameter.dim() >= 2 and "embedding" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.3 * noise)


def run(program, folder, texts, arguments=()):
    result = subprocess.run([program, *arguments, folder], input="".join(json.dumps(text) + "\n" for text in texts),
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    return [json.loads(line) for line in result.stdout.splitlines()]


def check(program, name, make_model, make_tokenizer, texts, limit):
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = make_tokenizer(texts, folder)
        vocabulary = len(tokenizer)
        model = make_model(vocabulary, tokenizer).eval()
        randomize(model)
        model.save_pretrained(folder)
        try:
            scale, *actual = run(program, folder, texts, ["--tokens"])
            _, *features = run(program, folder, texts[: len(texts) if vocabulary < 100 else 40])
        except RuntimeError as error:
            return False, f"{name}: {error}"
    siglip = isinstance(model, hf.SiglipModel)
    wrong = []
    for text, found in zip(texts, actual):
        ids = tokenizer(text, padding="max_length" if siglip else False, truncation=True, max_length=limit)["input_ids"]
        if ids != found["tokens"]:
            wrong.append((text, ids, found["tokens"]))
    lowest = 1.0
    for text, found in zip(texts, features):
        ids = torch.tensor([found["tokens"]])
        with torch.no_grad():
            expected = model.get_text_features(ids)
            expected = getattr(expected, "pooler_output", expected)[0].double().numpy()
        value = np.asarray(found["features"])
        lowest = min(lowest, value @ expected / np.sqrt((value @ value) * (expected @ expected)))
    scales = abs(scale["scale"] / model.logit_scale.exp().item() - 1) < 1e-6
    for text, ids, found in wrong[:3]:
        print(f"  {text!r}:\n    {ids}\n    {found}")
    return not wrong and lowest > 0.99999 and scales, \
        f"{name}: {len(wrong)} of {len(texts)} texts have other tokens; lowest cosine of features {lowest:.9f}"


def clip(legacy=False, **changes):
    def make(vocabulary, tokenizer):
        text = {"vocab_size": vocabulary, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "max_position_embeddings": 77,
                "eos_token_id": 2 if legacy else tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id,
                **changes}
        return hf.CLIPModel(hf.CLIPConfig(
            text_config=text, vision_config={"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
                                             "num_attention_heads": 2, "image_size": 32, "patch_size": 16},
            projection_dim=24 if "hidden_size" not in changes else changes["hidden_size"]))
    return make


def siglip(**changes):
    def make(vocabulary, _):
        text = {"vocab_size": vocabulary, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "projection_size": 48, **changes}
        return hf.SiglipModel(hf.SiglipConfig(
            text_config=text, vision_config={"hidden_size": text["projection_size"], "intermediate_size": 64,
                                             "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32,
                                             "patch_size": 16}))
    return make


BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--vocabulary")
    arguments = parser.parse_args()
    hf.logging.set_verbosity_error()
    texts = make_texts(arguments.count, 1)
    cases = [("CLIP", clip(), clip_tokenizer, 77), ("CLIP, end token 2", clip(legacy=True), clip_tokenizer, 77),
             ("CLIP, gelu", clip(hidden_act="gelu"), clip_tokenizer, 77),
             ("SigLIP", siglip(), siglip_tokenizer, 64)]
    if arguments.full:
        cases += [("CLIP B", clip(hidden_size=512, intermediate_size=2048, num_hidden_layers=12,
                                  num_attention_heads=8), clip_tokenizer, 77),
                  ("SigLIP B", siglip(**BASE, projection_size=768), siglip_tokenizer, 64)]
    if arguments.vocabulary:
        cases.append(("CLIP's vocabulary", clip(), functools.partial(clip_tokenizer_of, arguments.vocabulary), 77))
    failures = 0
    for name, make_model, make_tokenizer, limit in cases:
        good, line = check(arguments.program, name, make_model, make_tokenizer, texts, limit)
        failures += not good
        print(("ok      " if good else "FAILED  ") + line, flush=True)
    print(f"{failures} failures; transformers {hf.__version__}, tokenizers {tokenizers.__version__}")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
