#!/usr/bin/env python3
"""Compares the pixels of whole folders of pictures with Pillow's, byte for byte.

usage: scripts/compare-pixels.py PRINT_PIXELS FOLDER [FOLDER ...]     (needs Pillow: apt install python3-pil)

PRINT_PIXELS is the program of that name (cmake --build --preset release --target print_pixels). Names the files that
differ, and how much; ends with the number of files and bytes, and with exit code 1 if there is a difference.
"""

import os
import subprocess
import sys

import PIL
from PIL import Image, ImageOps, features

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".pnm")


def pictures(folders):
    for folder in folders:
        for directory, subfolders, names in os.walk(folder):
            subfolders.sort()
            for name in sorted(names):
                if name.lower().endswith(ENDINGS):
                    yield os.path.join(directory, name)


def by_pillow(path):
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            return upright.size, upright.tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return (0, 0), f"Pillow: {error}"


def by_intvit(program, path):
    program.stdin.write(os.fsencode(path) + b"\n")
    program.stdin.flush()
    line = program.stdout.readline()
    if not line:
        sys.exit(f"{path}: the program ended")
    width, height, *message = line.decode(errors="replace").rstrip("\n").split(" ", 2)
    size = int(width), int(height)
    return size, message[0] if size == (0, 0) else program.stdout.read(size[0] * size[1] * 3)


def difference(ours, theirs):
    """In words; empty where there is none."""
    if ours == theirs:
        return ""
    (our_size, our_pixels), (their_size, their_pixels) = ours, theirs
    refusals = [pixels for pixels in (our_pixels, their_pixels) if isinstance(pixels, str)]
    if refusals:
        return "" if len(refusals) == 2 else "one of them alone refuses it: " + refusals[0]
    if our_size != their_size:
        return f"{our_size} pixels, by Pillow {their_size}"
    distances = [abs(a - b) for a, b in zip(our_pixels, their_pixels) if a != b]
    return f"{len(distances)} of {len(our_pixels)} bytes differ, by {max(distances)} at most"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    files = total = different = 0
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        for path in pictures(sys.argv[2:]):
            ours = by_intvit(program, path)
            found = difference(ours, by_pillow(path))
            files += 1
            total += len(ours[1])
            if found:
                different += 1
                print(f"{path}: {found}")
        program.stdin.close()
    if files == 0:
        sys.exit("there are no pictures")
    libjpeg = f", libjpeg-turbo {features.version('libjpeg_turbo')}" if features.check("libjpeg_turbo") else ""
    print(f"{files} files, {total:,} bytes: {different} files differ from Pillow {PIL.__version__}{libjpeg}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
