#!/usr/bin/env python3
"""Writes tests/golden/images/: what Pillow makes of synthetic pictures.

One file above 400 lines, as every set of golden values draws on the same synthetic pictures.

usage: scripts/make-image-golden.py [FOLDER [MAKE_JPEGS]]     (needs Pillow before 12.2, with WebP: apt install python3-pil)
       with Pillow from 13.0 on, whose order of passes is another, it writes resize13.txt alone

MAKE_JPEGS is the program of that name (build target make_jpegs); without it, jpeg.txt is left alone.

  resize.txt   one resize a line: picture width height filter new_width new_height crc32-of-the-RGB-bytes
  resize13.txt the same by Pillow 13
  resize/      some small results whole, to look at when a checksum differs
  recipe.txt   one preprocessing a line: picture width height recipe crc32, after torchvision's Resize and CenterCrop
  decode.txt   one file of decode/ a line: name width height crc32
  decode/      small picture files of all kinds; beside each JPEG file, Pillow's pixels as PPM
  png.txt      the same of png/, of every kind of pixels, filters and compression
  webp.txt     the same of webp/
  jpeg.txt     one file of MAKE_JPEGS a line: its number, width height crc32

The pictures are drawn here and, by the same integer formulas, in tests/engine/image/pictures.cpp.
One file, so that what draws the pictures and all that is made of them stand together.
"""

import io
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import PIL
from PIL import Image, ImageOps

FILTERS = {"box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


class Lcg:
    """The upper byte of a linear congruential generator."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def byte(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state >> 24


def noise(width, height):
    lcg = Lcg(width * 65536 + height)
    return bytes(lcg.byte() for _ in range(width * height * 3))


def by_pixel(function):
    def draw(width, height):
        return bytes(c for y in range(height) for x in range(width) for c in function(x, y, width, height))

    return draw


PICTURES = {
    "noise": noise,
    "gradient": by_pixel(
        lambda x, y, w, h: (255 * x // max(w - 1, 1), 255 * y // max(h - 1, 1), (x + 2 * y) & 255)
    ),
    "edges": by_pixel(
        lambda x, y, w, h: (255 * ((x // 5 + y // 3) & 1), 255 * ((x // 8) & 1), 255 if y >= h // 2 else 0)
    ),
    "lines": by_pixel(
        lambda x, y, w, h: (255 if x % 7 == 3 else 20, 255 if y % 11 == 5 else 0, 255 if (x + y) % 13 == 0 else 90)
    ),
}


def picture(name, width, height):
    return Image.frombytes("RGB", (width, height), PICTURES[name](width, height))


def checksum(image):
    return "%08x" % zlib.crc32(image.tobytes())


def resize_sizes():
    yield from [
        (16, 12, 9, 7), (9, 7, 16, 12), (500, 375, 331, 248), (227, 227, 256, 256), (333, 500, 248, 372),
        (256, 256, 224, 224), (640, 480, 224, 224), (32, 32, 224, 224),
        # One pixel wide, high, or both; in, out, or both.
        (1, 37, 5, 11), (37, 1, 11, 5), (1, 1, 7, 3), (7, 3, 1, 1), (200, 1, 3, 1), (1, 200, 1, 3), (1, 9, 9, 1),
        # Only one pass, and none.
        (100, 40, 100, 17), (100, 40, 33, 40), (100, 40, 100, 90), (31, 33, 31, 33),
        # Extreme ratios.
        (1000, 3, 2, 50), (3, 1000, 50, 2), (2, 3, 300, 2), (2000, 10, 7, 9), (4000, 2, 1, 2),
        # Edges of the box filter that fall on pixel centres, where the rounding of each step decides.
        (3, 3, 2, 2), (300, 200, 100, 80), (15, 25, 6, 10), (99, 77, 22, 14), (63, 105, 18, 30), (45, 75, 10, 50),
        (2, 2, 65, 63), (128, 64, 256, 16), (255, 257, 256, 256), (17, 19, 18, 18),
    ]  # fmt: skip
    lcg = Lcg(2024)
    for _ in range(60):
        yield tuple(1 + lcg.byte() * (lcg.byte() % 8 + 1) // 8 for _ in range(4))


def write_resizes(folder):
    os.makedirs(os.path.join(folder, "resize"), exist_ok=True)
    names = sorted(PICTURES)
    with open(os.path.join(folder, "resize.txt"), "w") as table:
        for index, (width, height, new_width, new_height) in enumerate(resize_sizes()):
            for filter_index, filter_name in enumerate(sorted(FILTERS)):
                name = names[(index + filter_index) % len(names)]
                result = picture(name, width, height).resize((new_width, new_height), FILTERS[filter_name])
                print(name, width, height, filter_name, new_width, new_height, checksum(result), file=table)
    for width, height, new_width, new_height in [(16, 12, 9, 7), (9, 7, 16, 12), (3, 3, 2, 2)]:
        for filter_name in sorted(FILTERS):
            path = "noise_%dx%d_%s_%dx%d.ppm" % (width, height, filter_name, new_width, new_height)
            result = picture("noise", width, height).resize((new_width, new_height), FILTERS[filter_name])
            result.save(os.path.join(folder, "resize", path))


def write_resizes13(folder):
    sizes = [
        (333, 500, 224, 224), (375, 500, 224, 224), (500, 333, 224, 224), (100, 150, 50, 50), (100, 151, 50, 50),
        (40, 31, 60, 30), (40, 30, 60, 30), (30, 40, 30, 20), (30, 40, 20, 40), (200, 381, 20, 20), (3, 1000, 50, 2),
        (135, 97, 64, 64), (97, 135, 64, 64), (1, 200, 1, 3), (1, 200, 2, 3), (64, 300, 80, 90),
    ]  # fmt: skip
    lcg = Lcg(13)
    for _ in range(20):
        width, height, new_width = (8 + lcg.byte() for _ in range(3))
        sizes.append((width, height + 60, new_width, max(1, height + 60 - abs(2 * (width - new_width)) - lcg.byte() // 4)))
    names = sorted(PICTURES)
    with open(os.path.join(folder, "resize13.txt"), "w") as table:
        for index, (width, height, new_width, new_height) in enumerate(sizes):
            for filter_index, filter_name in enumerate(sorted(FILTERS)):
                name = names[(index + filter_index) % len(names)]
                result = picture(name, width, height).resize((new_width, new_height), FILTERS[filter_name])
                print(name, width, height, filter_name, new_width, new_height, checksum(result), file=table)


def torchvision(image, resize, crop, filter_name):
    """Resize(resize) and CenterCrop(crop) of torchvision on a Pillow image; sizes as (width, height)."""
    if isinstance(resize, int):
        short, long = sorted(image.size)
        if short != resize:
            new_long = int(resize * long / short)
            size = (resize, new_long) if image.width <= image.height else (new_long, resize)
            image = image.resize(size, FILTERS[filter_name])
    elif resize is not None:
        image = image.resize(resize, FILTERS[filter_name])
    width, height = crop
    if width > image.width or height > image.height:
        left, top = (max(0, (c - s) // 2) for c, s in zip(crop, image.size))
        right, bottom = (max(0, (c - s + 1) // 2) for c, s in zip(crop, image.size))
        image = ImageOps.expand(image, (left, top, right, bottom), fill=0)
    left = int(round((image.width - width) / 2.0))
    top = int(round((image.height - height) / 2.0))
    return image.crop((left, top, left + width, top + height))


def write_recipes(folder):
    sizes = [
        (500, 375), (375, 500), (333, 500), (227, 227), (224, 224), (225, 226), (227, 229), (248, 300), (300, 248),
        (100, 30), (30, 100), (223, 300), (1, 5), (640, 101), (249, 251),
    ]  # fmt: skip
    recipes = [
        (248, (224, 224), "bicubic"), (256, (224, 224), "bilinear"), (224, (224, 224), "bicubic"),
        (100, (101, 99), "lanczos"), (50, (61, 40), "box"), (None, (224, 224), None), (None, (96, 97), None),
        ((64, 64), (64, 64), "bilinear"), ((70, 50), (64, 56), "bicubic"),
    ]  # fmt: skip
    names = sorted(PICTURES)
    with open(os.path.join(folder, "recipe.txt"), "w") as table:
        for index, (width, height) in enumerate(sizes):
            for resize, crop, filter_name in recipes:
                name = names[index % len(names)]
                result = torchvision(picture(name, width, height), resize, crop, filter_name)
                text = "crop=%dx%d" % crop
                if resize is not None:
                    text += ",filter=%s,resize=%s" % (
                        filter_name,
                        resize if isinstance(resize, int) else "%dx%d" % resize,
                    )
                print(name, width, height, text, checksum(result), file=table)


def chunk(kind, data):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bit_depth, colour_type, samples, palette=b""):
    """A PNG file of kinds that Pillow does not write."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0))
    row_bytes = len(samples) // height
    rows = [samples[i : i + row_bytes] for i in range(0, len(samples), row_bytes)]
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    if palette:
        header += chunk(b"PLTE", palette)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def top_down_bmp(image):
    """24-bit BMP with a negative height, whose first row is the top one."""
    padding = b"\0" * (-image.width * 3 % 4)
    blue_first = Image.merge("RGB", image.split()[::-1])
    rows = [blue_first.crop((0, y, image.width, y + 1)).tobytes() + padding for y in range(image.height)]
    data = b"".join(rows)
    header = struct.pack("<IiiHHIIiiII", 40, image.width, -image.height, 1, 24, 0, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + header + data


def orientation_exif(orientation):
    """An EXIF block with that one entry: big-endian for odd orientations, little-endian for even ones."""
    order = ">" if orientation % 2 else "<"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    header = struct.pack(order + "2sHI", b"MM" if orientation % 2 else b"II", 42, 8)
    return b"Exif\0\0" + header + struct.pack(order + "H", 1) + entry + struct.pack(order + "I", 0)


def write_files(folder):
    os.makedirs(os.path.join(folder, "decode"), exist_ok=True)
    width, height = 23, 14
    rgb = picture("noise", width, height)
    grey = rgb.getchannel("R")
    alpha = picture("gradient", width, height).getchannel("R")
    table = open(os.path.join(folder, "decode.txt"), "w")

    def path(name):
        return os.path.join(folder, "decode", name)

    def expect(name, image):
        image = image.convert("RGB")
        print(name, image.width, image.height, checksum(image), file=table)

    def save(name, image, **options):
        image.save(path(name), **options)
        expect(name, Image.open(path(name)))

    def write(name, data, image):
        with open(path(name), "wb") as file:
            file.write(data)
        expect(name, image)

    save("rgb.png", rgb)
    save("rgba.png", Image.merge("RGBA", (*rgb.split(), alpha)))
    save("grey.png", grey)
    save("grey_alpha.png", Image.merge("LA", (grey, alpha)))
    save("one_bit.png", grey.convert("1"))
    palette = rgb.quantize(17)
    save("palette.png", palette)
    save("palette_transparent.png", palette, transparency=3)
    # 16 bits: the upper byte of a sample is the pixel of `rgb`, the lower one anything.
    write("rgb16.png", png(width, height, 16, 2, bytes(b for s in rgb.tobytes() for b in (s, s * 7 & 255))), rgb)
    write("grey16.png", png(width, height, 16, 0, bytes(b for s in grey.tobytes() for b in (s, s * 7 & 255))), grey)
    # Pixels beyond a palette of three colours are black.
    colours = [b"\x0a\x14\x1e", b"\xc8\x96\x64", b"\xff\x00\x80"]
    indices = bytes(s % 8 for s in grey.tobytes())
    pixels = b"".join(colours[i] if i < 3 else b"\0\0\0" for i in indices)
    beyond = Image.frombytes("RGB", (width, height), pixels)
    write("beyond_palette.png", png(width, height, 8, 3, indices, b"".join(colours)), beyond)
    save("rgb.bmp", rgb)
    save("palette.bmp", palette)
    save("grey.bmp", grey)
    write("top_down.bmp", top_down_bmp(rgb), rgb)
    save("palette.gif", palette)
    palette.save(path("animated.gif"), save_all=True, append_images=[palette.rotate(180)])
    expect("animated.gif", palette)
    save("rgb.ppm", rgb)
    save("grey.pgm", grey)
    write("comment.ppm", b"P6 # a comment\n# another\r23\t14\n255\n" + rgb.tobytes(), rgb)
    scaled = bytes(min(s, 100) for s in rgb.tobytes())
    hundred = Image.frombytes("RGB", rgb.size, bytes((2 * 255 * s + 100) // 200 for s in scaled))
    write("maximum_100.ppm", b"P6 23 14 100\n" + scaled, hundred)
    wide = bytes(b for s in grey.tobytes() for b in (s, s))
    write("grey16.pgm", b"P5 23 14 65535\n" + wide, grey)
    table.close()

    # Pillow's pixels are kept whole, to look at.
    def jpeg(name, image, **options):
        image.save(path(name + ".jpg"), **options)
        ImageOps.exif_transpose(Image.open(path(name + ".jpg"))).convert("RGB").save(path(name + ".ppm"))

    scene = picture("gradient", 40, 24)
    jpeg("grey", scene.getchannel("R"), quality=90)
    jpeg("subsampled", scene, quality=90, subsampling="4:2:0")
    jpeg("progressive", scene, quality=90, progressive=True, subsampling="4:4:4")
    jpeg("cmyk", scene.convert("CMYK"), quality=90)
    for orientation in range(1, 9):
        exif = orientation_exif(orientation)
        jpeg("orientation_%d" % orientation, scene, quality=90, subsampling="4:4:4", exif=exif)


# Colour types with the samples of a pixel, and their depths.
PNG_COLORS = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def filtered(kind, row, above, distance):
    """A row of bytes as PNG's filter stores it."""

    def paeth(left, up, corner):
        distances = [abs(left + up - corner - neighbour) for neighbour in (left, up, corner)]
        return (left, up, corner)[distances.index(min(distances))]

    result = bytearray([kind])
    for i, value in enumerate(row):
        left, corner = (row[i - distance], above[i - distance]) if i >= distance else (0, 0)
        predicted = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
        result.append((value - predicted) & 255)
    return bytes(result)


def png_data(pixels, width, height, depth, channels, interlaced):
    """The uncompressed data of a PNG file; `pixels` gives the samples of one as a list."""
    data, kind = b"", 0
    for x0, y0, dx, dy in ADAM7 if interlaced else ((0, 0, 1, 1),):
        above = None
        for y in range(y0, height, dy):
            bits = "".join(f"{sample:0{depth}b}" for x in range(x0, width, dx) for sample in pixels(x, y))
            row = bytes(int(bits[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
            if row:
                data += filtered(kind % 5, row, above or bytes(len(row)), max(1, depth * channels // 8))
                above, kind = row, kind + 1
    return data


def write_png(folder):
    os.makedirs(os.path.join(folder, "png"), exist_ok=True)
    lcg = Lcg(7)
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FILTERED)
    number = 0
    with open(os.path.join(folder, "png.txt"), "w") as table:

        def save(color, depth, width, height, interlaced):
            nonlocal number
            channels = PNG_COLORS[color][0]
            samples = {}
            for y in range(height):
                for x in range(width):
                    samples[x, y] = [(x * 2500 + y * 900 * (c + 1) + lcg.byte() * 40) % 65536 >> (16 - depth)
                                     for c in range(channels)]
            data = png_data(lambda x, y: samples[x, y], width, height, depth, channels, interlaced)
            stored = number % 6 == 5
            compressor = zlib.compressobj(0 if stored else 9, zlib.DEFLATED, 9 + number % 7, 9, strategies[number % 5])
            compressed = compressor.compress(data) + compressor.flush()
            cuts = sorted({0, len(compressed), *(lcg.byte() % len(compressed) for _ in range(number % 4))})
            file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0,
                                                                     int(interlaced)))
            if color == 3:
                file += chunk(b"PLTE", bytes(lcg.byte() for _ in range(3 << depth)))
            file += b"".join(chunk(b"IDAT", compressed[a:b]) for a, b in zip(cuts, cuts[1:])) + chunk(b"IEND", b"")
            name = f"{number}_color{color}_{depth}bits{'_interlaced' * interlaced}.png"
            with open(os.path.join(folder, "png", name), "wb") as output:
                output.write(file)
            if (color, depth) == (0, 16):  # Pillow clips
                upper = bytes(samples[x, y][0] >> 8 for y in range(height) for x in range(width) for _ in range(3))
                result = Image.frombytes("RGB", (width, height), upper)
            else:
                result = Image.open(io.BytesIO(file)).convert("RGB")
            print(name, width, height, checksum(result), file=table)
            number += 1

        for color, (_, depths) in PNG_COLORS.items():
            for depth in depths:
                for interlaced in (False, True):
                    save(color, depth, 21, 13, interlaced)
        for width, height in ((1, 1), (1, 5), (5, 1), (2, 3), (4, 4), (5, 8), (8, 9)):
            save(2, 8, width, height, True)
            save(0, 1, width, height, True)
        save(6, 8, 1, 1, False)
        save(0, 2, 300, 2, False)


def write_webp(folder):
    os.makedirs(os.path.join(folder, "webp"), exist_ok=True)
    scene = picture("gradient", 37, 25)
    alpha = picture("edges", 37, 25).getchannel("R")
    transparent = Image.merge("RGBA", (*scene.split(), alpha))
    with open(os.path.join(folder, "webp.txt"), "w") as table:

        def save(name, image, **options):
            path = os.path.join(folder, "webp", name + ".webp")
            image.save(path, **options)
            result = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            print(name + ".webp", result.width, result.height, checksum(result), file=table)

        save("lossy", scene, quality=80)
        save("lossy_noise", picture("noise", 23, 14), quality=30)
        save("one_pixel", picture("noise", 1, 1), quality=90)
        save("lossless", scene, lossless=True)
        save("alpha", transparent, quality=80)
        save("alpha_lossless", transparent, lossless=True, exact=True)
        # The first frame is smaller than the canvas.
        first = Image.new("RGBA", (37, 25))
        first.paste(scene.crop((0, 0, 15, 11)), (8, 6))
        save("animated", first, save_all=True, append_images=[scene], duration=100, lossless=True, minimize_size=True)
        save("turned", scene, quality=80, exif=orientation_exif(6))


def write_jpegs(folder, program):
    with tempfile.TemporaryDirectory() as files, open(os.path.join(folder, "jpeg.txt"), "w") as table:
        subprocess.run([program, files], check=True)
        for number in range(len(os.listdir(files))):
            result = Image.open(os.path.join(files, "%d.jpg" % number)).convert("RGB")
            print(number, result.width, result.height, checksum(result), file=table)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "golden", "images")
    version = tuple(int(number) for number in PIL.__version__.split(".")[:2])
    if version >= (13, 0):
        return write_resizes13(folder)
    if version >= (12, 2):
        sys.exit("Pillow %s resizes some pictures in another order: use one before 12.2, or 13" % PIL.__version__)
    write_resizes(folder)
    write_recipes(folder)
    write_files(folder)
    write_png(folder)
    write_webp(folder)
    if len(sys.argv) > 2:
        write_jpegs(folder, sys.argv[2])


if __name__ == "__main__":
    main()
