"""One peer in one setup, on one model: started by compare.py in the peer's own environment.

    worker.py PEER SETUP MODEL THREADS FOLDER [PICTURES | --throughput]

With --throughput a run is of a number of images at once, each on one of the threads; times are those of an image. With a
folder of pictures a run is a pass over them: Pillow decodes and resizes, the peer runs the network, every file
on one of the threads. Says on standard output that it is ready, or why not; then answers every line of standard input,
a request to measure, with the times. All in JSON, one object a line.
"""

import concurrent.futures
import contextlib
import functools
import importlib
import json
import os
import pathlib
import sys
import time

import numpy

# Of ImageNet, in units of bytes.
MEAN = numpy.array([0.485, 0.456, 0.406], dtype=numpy.float32) * 255
SCALE = 1 / (numpy.array([0.229, 0.224, 0.225], dtype=numpy.float32) * 255)


def set_priority(real_time):
    """Of all threads: real-time priority `real_time`, or the usual where it is 0."""
    policy = os.SCHED_FIFO if real_time else os.SCHED_OTHER
    for thread in os.listdir("/proc/self/task"):
        os.sched_setscheduler(int(thread), policy, os.sched_param(real_time))


def measure(run, seconds, warmup, real_time, least=5):
    """Milliseconds of every run, of which there are `least` at least."""
    set_priority(real_time)
    try:
        for _ in range(warmup):
            run()
        times = []
        end = time.perf_counter() + seconds
        while len(times) < least or time.perf_counter() < end:
            begin = time.perf_counter()
            run()
            times.append((time.perf_counter() - begin) * 1e3)
        return times
    finally:
        set_priority(0)


def load(path):
    """A picture as the model's input: the short side to 248 pixels, the centre 224 x 224, as timm prepares them."""
    from PIL import Image  # not there for peers without pictures

    with Image.open(path) as file:
        picture = file.convert("RGB")
    width, height = picture.size
    width, height = (248, 248 * height // width) if width <= height else (248 * width // height, 248)
    left, top = (width - 224) // 2, (height - 224) // 2
    picture = picture.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    pixels = numpy.asarray(picture, dtype=numpy.float32)
    pixels -= MEAN
    pixels *= SCALE
    return numpy.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def pass_over(paths, run, threads):
    """A function that classifies all files, each on one of as many threads."""
    def classify(path):
        return int(run(load(path)).argmax())

    if threads == 1:
        return lambda: [classify(path) for path in paths]
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    return lambda: list(pool.map(classify, paths))


IMAGES_A_STREAM = 8


def images_at_once(image, run, threads):
    """A function that runs some images for each thread, each on one of them."""
    images = [image] * (IMAGES_A_STREAM * threads)
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    return lambda: list(pool.map(run, images))


def main():
    peer, setup, name, threads, folder, *pictures = sys.argv[1:]
    threads = int(threads)
    answers = sys.stdout

    def answer(**fields):
        print(json.dumps(fields), file=answers, flush=True)

    with contextlib.redirect_stdout(sys.stderr):  # what libraries print must not end up among the answers
        try:
            module = importlib.import_module(f"{peer}_peer")
            streams = {"streams": threads} if pictures else {}
            run, image, expected = module.prepare(setup, name, threads, folder, **streams)
            for _ in range(3):  # compilers may do more in the second run than in the first
                logits = run(image)
            cosine = float(logits @ expected / (numpy.linalg.norm(logits) * numpy.linalg.norm(expected)))
            if not cosine > 0.9:
                raise RuntimeError(f"its logits do not follow the float model's (cosine {cosine:.3f})")
            images = 1
            if pictures == ["--throughput"]:
                measured = images_at_once(image, run, threads)
                images = IMAGES_A_STREAM * threads
            elif pictures:
                paths = sorted(path for path in pathlib.Path(pictures[0]).rglob("*")
                               if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
                measured = pass_over(paths, run, threads)
            else:
                measured = functools.partial(run, image)
        except Exception as error:  # whatever goes wrong in a peer is its reason for being missing
            answer(error=f"{type(error).__name__}: {error}")
            return
        answer(version=module.VERSION, cosine=cosine)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer(samples_ms=[time / images for time in measure(measured, **request)])
            except Exception as error:
                answer(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
