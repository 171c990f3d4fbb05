#!/usr/bin/env python3
"""Makes the goldens of siglip_tokenizer_test.cpp: a small sentencepiece model of SigLIP's kind, and texts' tokens.

    python3 tests/models/text/make_siglip.py tests/models/text/goldens

The tokens are those of transformers' SiglipTokenizer, whose canonical text is repeated here so that sentencepiece 0.2.3
is all it needs; --check compares them with transformers itself.
"""

import json
import pathlib
import re
import string
import sys

import sentencepiece

SENTENCES = """this is a photo of a cat
this is a photo of a small dog in the garden
a drawing of two birds on a wall
the photo shows a red boat on the blue sea
this is a photo of the old town at night
a bowl of ripe tomatoes on the kitchen table
three children play with a ball behind the house
the cat sleeps on the chair while it rains
this is a photo of an empty street in the morning
a plane flies over the mountains and the clouds
photos of trains and of stations are what he collects
a close photo of a bee on a yellow flower
nobody knows how many books are in the library
the bakery sells bread cakes and small apple pies
an owl watches from the tree as the sun goes down
she paints horses foxes and a zebra with quick strokes
joy is the word that she wrote under the picture""".split("\n")

TEXTS = ["This is a photo of a cat.", "this is  a photo\tof a cat", "A {} of: two, birds!", "", " . ", "cat\x1cdog",
         "\u0130stanbul \u039f\u0394\u039f\u03a3", "\u732b on the table", "caf\u00e9 na\u00efve", "x" * 300,
         "cat " * 200, "don't", "e\u0301cole", "\uff23\uff21\uff34 \u00bd", "a_b-c"]


def canonical(text):
    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", text).strip()


def main():
    folder = pathlib.Path(sys.argv[1])
    source = folder / "sentences.txt"
    source.write_text("\n".join(SENTENCES * 3) + "\n")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source), model_prefix=str(folder / "spiece"), vocab_size=150, hard_vocab_limit=False, pad_id=0,
        eos_id=1, unk_id=2, bos_id=-1, model_type="unigram", normalization_rule_name="identity", num_threads=1,
        minloglevel=2)
    source.unlink()
    (folder / "spiece.vocab").unlink()
    model = sentencepiece.SentencePieceProcessor(str(folder / "spiece.model"))
    lines = []
    for text in TEXTS:
        tokens = model.encode(canonical(text))
        lines.append(json.dumps({"text": text, "truncated": len(tokens) > 63, "tokens": tokens[:63] + [1]}))
    (folder / "siglip.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    if "--check" in sys.argv:
        import transformers
        tokenizer = transformers.SiglipTokenizer(str(folder / "spiece.model"))
        for line in json.loads((folder / "siglip.json").read_text()):
            expected = tokenizer(line["text"], padding="max_length", max_length=64, truncation=True)["input_ids"]
            assert line["tokens"] + [1] * (64 - len(line["tokens"])) == expected, line["text"]


main()
