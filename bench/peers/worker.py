"""One peer in one setup, on one model: started by compare.py in the peer's own environment.

    worker.py PEER SETUP MODEL THREADS FOLDER

Says on standard output that it is ready, or why not; then answers every line of standard input, a request to measure,
with the times. All in JSON, one object a line.
"""

import contextlib
import importlib
import json
import os
import sys
import time

import numpy


def set_priority(real_time):
    """Of all threads: real-time priority `real_time`, or the usual where it is 0."""
    policy = os.SCHED_FIFO if real_time else os.SCHED_OTHER
    for thread in os.listdir("/proc/self/task"):
        os.sched_setscheduler(int(thread), policy, os.sched_param(real_time))


def measure(run, seconds, warmup, real_time):
    """Milliseconds of every run."""
    set_priority(real_time)
    try:
        for _ in range(warmup):
            run()
        times = []
        end = time.perf_counter() + seconds
        while len(times) < 5 or time.perf_counter() < end:
            begin = time.perf_counter()
            run()
            times.append((time.perf_counter() - begin) * 1e3)
        return times
    finally:
        set_priority(0)


def main():
    peer, setup, name, threads, folder = sys.argv[1:]
    answers = sys.stdout

    def answer(**fields):
        print(json.dumps(fields), file=answers, flush=True)

    with contextlib.redirect_stdout(sys.stderr):  # what libraries print must not end up among the answers
        try:
            module = importlib.import_module(f"{peer}_peer")
            run, expected = module.prepare(setup, name, int(threads), folder)
            for _ in range(3):  # compilers may do more in the second run than in the first
                logits = run()
            cosine = float(logits @ expected / (numpy.linalg.norm(logits) * numpy.linalg.norm(expected)))
            if not cosine > 0.9:
                raise RuntimeError(f"its logits do not follow the float model's (cosine {cosine:.3f})")
        except Exception as error:  # whatever goes wrong in a peer is its reason for being missing
            answer(error=f"{type(error).__name__}: {error}")
            return
        answer(version=module.VERSION, cosine=cosine)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer(samples_ms=measure(run, **request))
            except Exception as error:
                answer(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
