"""Forks, signals and threads."""
import subprocess
import sys
import threading

import numpy as np
from shipped import MODEL

import intvit

# Tests may run in the background of a shell, where SIGINT is ignored.
CHILD = """
import os, signal, sys, threading, time
import numpy as np
import intvit
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupted(call):  # whether SIGINT, a second after the call began, ended it soon
    threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        call()
    except KeyboardInterrupt:
        return time.monotonic() - began < 20
    return False
"""


def run_child(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", CHILD + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_forked_child_runs_its_parents_model():
    run = run_child(
        """
pixels = np.zeros((32, 32, 3), np.uint8)
for threads in (1, 2, 3):
    for used in (False, True):
        model = intvit.Model(sys.argv[1], threads=threads)
        expected = intvit.Model(sys.argv[1], threads=1).logits(pixels)
        if used:
            model.logits(pixels)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            right = np.array_equal(model.logits(pixels), expected)
            right = right and np.array_equal(intvit.Model(sys.argv[1], threads=threads).logits(pixels), expected)
            os._exit(0 if right else 1)
        assert os.waitpid(child, 0)[1] == 0, (threads, used)
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all(np.array_equal(row, expected) for row in pool.map(model.logits, [pixels] * 4))
print("done")
""",
        MODEL,
    )
    assert run.stdout == "done\n", run.stderr


def test_ctrl_c_ends_a_run():
    # One run of 600 pictures, which takes most of a minute with the reference kernels.
    run = run_child(
        """
model = intvit.Model(sys.argv[1], isa="reference", threads=1, max_batch=600)
pixels = np.zeros((600, 32, 32, 3), np.uint8)
print(interrupted(lambda: model.logits(pixels)))
print(model.logits(pixels[:1]).shape)
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
print(model.logits(pixels[:40]).shape, seen)
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGINT)
print(model.logits(pixels[:1]).shape)
""",
        MODEL,
    )
    assert run.stdout == "True\n(1, 10)\n(40, 10) [1]\n(1, 10)\n", run.stderr


def test_threads_share_a_model_and_release_the_lock(picture):
    model = intvit.Model(MODEL, isa="reference", threads=1)  # slow, so that the calls overlap
    expected = model.logits(picture)
    results = [None] * 4
    ticks = 0

    def work(index):
        results[index] = model.logits([picture] * 8)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        ticks += 1
        threads[0].join(0.001)
    assert all(np.array_equal(row, expected) for result in results for row in result)
    assert ticks > 1  # this thread went on while the others computed


def test_ctrl_c_ends_the_threads_of_a_list():
    # 600 pictures, of which every thread takes 150 at once: a minute with the reference kernels.
    run = run_child(
        """
model = intvit.Model(sys.argv[1], isa="reference", threads=2, max_batch=300)
other = intvit.Model(sys.argv[1], threads=2, max_batch=2)
pixels = np.zeros((600, 32, 32, 3), np.uint8)
alive = threading.active_count()
print(interrupted(lambda: model.logits(pixels)))
print(threading.active_count() - alive)
def pictures():
    for i in range(9):
        yield pixels[0]
    raise ValueError("the tenth")
for list_of_pictures in (pictures(), [pixels[0]] * 9 + [b"no picture"] + [pixels[0]] * 9):
    try:
        other.logits(list_of_pictures)
    except (ValueError, intvit.Error) as error:
        print(type(error).__name__)
print(threading.active_count() - alive, other.logits(pixels[:9]).shape)
""",
        MODEL,
    )
    assert run.stdout == "True\n0\nValueError\nImageError\n0 (9, 10)\n", run.stderr


def test_ctrl_c_keeps_what_a_stream_had_given():
    run = run_child(
        """
model = intvit.Model(sys.argv[1], isa="reference", threads=2, max_batch=4)
given = []
def endless():
    while True:
        yield np.zeros((32, 32, 3), np.uint8)
def collect():
    for image, classes in model.stream(endless(), k=1):
        given.append(classes)
print(interrupted(collect))
print(len(given) > 0, all(classes == given[0] for classes in given))
""",
        MODEL,
    )
    assert run.stdout == "True\nTrue True\n", run.stderr


def test_the_end_is_quiet():
    for ending in [
        "",
        "sys.exit(3)",
        "stream = model.stream([pixels] * 100); next(stream)",  # in the middle of it
        "threading.Thread(target=lambda: model.logits([pixels] * 50), daemon=True).start()",
        "import atexit; atexit.register(lambda: print(model.logits([pixels] * 9).shape))",
    ]:
        run = run_child(
            "model = intvit.Model(sys.argv[1], threads=2, max_batch=3)\n"
            "pixels = np.zeros((32, 32, 3), np.uint8)\nother = [model, model.logits(pixels)]\n" + ending,
            MODEL,
        )
        assert (run.stderr, run.returncode) == ("", 3 if "exit(3)" in ending else 0), ending


def test_joblib_and_processes_that_are_spawned():
    run = run_child(
        """
import joblib, multiprocessing, concurrent.futures
model = intvit.Model(sys.argv[1], threads=2)
pixels = np.zeros((32, 32, 3), np.uint8)
expected = model.logits(pixels)
for backend in ("loky", "multiprocessing", "threading"):
    rows = joblib.Parallel(2, backend=backend)(joblib.delayed(model.logits)(pixels) for _ in range(4))
    assert all(np.array_equal(row, expected) for row in rows), backend
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
    assert all(np.array_equal(row, expected) for row in pool.map(model.logits, [pixels] * 4))
    try:
        pool.submit(model.logits, [pixels, b"no picture"]).result()
    except intvit.ImageError as error:
        print(error.index)
""",
        MODEL,
    )
    assert run.stdout == "1\n", run.stderr
