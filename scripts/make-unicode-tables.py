#!/usr/bin/env python3
"""Writes models/text/unicode_{letters,ranges,compositions,exclusions}.cpp from Python's unicodedata.

    python3 scripts/make-unicode-tables.py models/text && clang-format -i models/text/unicode_*.cpp

What stands in the repository is of Unicode 14.0 (Python 3.11).
"""

import pathlib
import sys
import unicodedata

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def ranges(of):
    """[first, last, value] of neighbours with the same value, where it is not None."""
    found = []
    for code in CODES:
        value = of(code)
        if value is None:
            continue
        if found and found[-1][1] == code - 1 and found[-1][2] == value:
            found[-1][1] = code
        else:
            found.append([code, code, value])
    return found


def lower_case():
    """[first, last, step, distance]: every step-th code moves by the distance."""
    found = []
    for code in CODES:
        lower = chr(code).lower()
        if len(lower) != 1 or ord(lower) == code:
            continue
        distance = ord(lower) - code
        if found and found[-1][3] == distance:
            last = found[-1]
            step = code - last[1]
            if step in (1, 2) and (last[0] == last[1] or last[2] == step):
                last[1], last[2] = code, step
                continue
        found.append([code, code, 1, distance])
    return found


def decompositions():
    """(code, first, second) of canonical decompositions but Hangul's; second is 0 where there is none."""
    found = []
    for code in CODES:
        parts = unicodedata.decomposition(chr(code)).split()
        if parts and not parts[0].startswith("<"):
            found.append([code] + [int(part, 16) for part in parts] + [0] * (2 - len(parts)))
    return found


def array(kind, name, rows, codes=None):
    """The first `codes` numbers of a row, or all, are characters."""
    body = ",\n".join("{" + ", ".join(hex(v) if codes is None or i < codes else str(v) for i, v in enumerate(row)) + "}"
                      for row in rows)
    return f"constexpr {kind} {name}[] = {{\n{body},\n}};\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    head = ("// Written by scripts/make-unicode-tables.py from Unicode " + unicodedata.unidata_version + ".\n"
            '#include "models/text/unicode_tables.hpp"\n\nnamespace intvit::unicode {\n\nnamespace {\n\n')
    letter = lambda code: 1 if unicodedata.category(chr(code))[0] == "L" else None
    number = lambda code: 1 if unicodedata.category(chr(code))[0] == "N" else None
    combining = lambda code: unicodedata.combining(chr(code)) or None
    tables = {
        "letters": [("Range", "letters", [row[:2] for row in ranges(letter)], None)],
        "ranges": [("Range", "numbers", [row[:2] for row in ranges(number)], None),
                   ("ClassRange", "combining_classes", ranges(combining), 2),
                   ("LowerRange", "lower_case", lower_case(), 2)]}
    all_rows = decompositions()
    composed = lambda row: row[2] and unicodedata.normalize("NFC", chr(row[1]) + chr(row[2])) == chr(row[0])
    pairs = [row for row in all_rows if composed(row)]
    others = [row for row in all_rows if not composed(row)]
    tables["compositions"] = [("Decomposition", "composed", pairs, None)]
    tables["exclusions"] = [("Decomposition", "decomposed", others, None)]
    for name, parts in tables.items():
        text = head
        for kind, function, rows, codes in parts:
            text += array(kind, function + "_table", rows, codes) + "\n"
        text += "} // namespace\n\n"
        for kind, function, rows, codes in parts:
            text += f"std::span<const {kind}> {function}() {{\n  return {function}_table;\n}}\n\n"
        (folder / f"unicode_{name}.cpp").write_text(text + "} // namespace intvit::unicode\n")


main()
