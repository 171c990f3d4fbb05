"""Tests of bench/peers: tables, drawing and turns on fixed figures, and peers that are missing. Needs no peer.

    python3 tests/peers/compare_test.py
"""

import contextlib
import copy
import io
import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock as mock
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/peers"))

import compare  # noqa: E402
import figures  # noqa: E402

RESULT = {
    "command": "bench/peers/compare.py -t 1", "date": "2026-01-31", "threads": 1, "rounds": 3, "seconds": 0.5,
    "real_time": 0, "weight_format": "int8",
    "environment": {"intvit": "1.2.3", "processor": "A processor", "system": "A system"},
    "setups": [
        {"key": "a int8", "name": "A int8", "precision": "int8", "how": "as it comes", "version": "4.5"},
        {"key": "b float", "name": "B <float> & more", "precision": "float32", "how": "by hand", "version": None},
        {"key": "c half", "name": "C half", "precision": "bfloat16", "how": "", "version": "6"},
    ],
    "models": [
        {"arch": "deit_tiny_patch16_224", "name": "DeiT-T", "isa": "avx2", "gmac": 1.25,
         "ours_ms": [4.0, 5.0, 2.0], "peak_gmac_per_s": [500.0, 400.0, 625.0],
         "peers": {"a int8": {"ms": [6.0, 15.0, 4.0], "cosine": 0.98765},
                   "b float": {"missing": "no such | wheel\nfor this machine"},
                   "c half": {"ms": [8.0, 10.0, 4.0], "cosine": 0.9}}},
        {"arch": "deit_base_patch16_224", "name": "DeiT-B", "isa": "avx2", "gmac": 17.5,
         "ours_ms": [40.0, 40.0, 40.0], "peak_gmac_per_s": [500.0, 500.0, 500.0],
         "peers": {"a int8": {"ms": [320.0, 320.0, 320.0], "cosine": 0.99},
                   "b float": {"missing": "no such | wheel\nfor this machine"},
                   "c half": {"missing": "no memory"}}},
    ],
}


class Figures(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self):
        self.assertEqual(figures.ratios(RESULT["models"][0], "a int8"), [1.5, 3.0, 2.0])
        self.assertEqual(figures.ratios(RESULT["models"][0], "b float"), [])
        self.assertEqual(figures.ratios(RESULT["models"][0], "unheard of"), [])

    def test_share_of_peak_is_of_the_same_round(self):
        model = RESULT["models"][0]  # 62.5, 62.5, 100 %
        self.assertAlmostEqual(figures.share_of_peak(model, model["ours_ms"]), 0.625)

    def test_mean_is_geometric_and_of_all_models(self):
        self.assertAlmostEqual(figures.mean_ratio(RESULT, "a int8"), 4.0)  # of 2 and 8
        self.assertIsNone(figures.mean_ratio(RESULT, "b float"))
        self.assertIsNone(figures.mean_ratio(RESULT, "c half"))

    def test_table(self):
        self.assertEqual(figures.main_table(RESULT).splitlines(), [
            "|  | DeiT-T ms | / intvit | int8 peak | DeiT-B ms | / intvit | int8 peak | mean / intvit |",
            "| --- | --: | --: | --: | --: | --: | --: | --: |",
            "| **intvit 1.2.3, int8** | **4.00** | 1 | 62 % | **40.00** | 1 | 88 % | 1 |",
            "| A int8 | 6.00 | 2.00 | 42 % | 320.0 | 8.00 | 11 % | 4.00 |",
            "| B <float> & more | missing |  |  | missing |  |  |  |",
            "| C half | 8.00 | 2.00 | 31 % | missing |  |  |  |",
        ])

    def test_text_tells_reasons_versions_and_rounds(self):
        text = figures.markdown(RESULT)
        for part in ("A processor, A system, 2026-01-31; batch 1, 1 thread, intvit on avx2; medians of 3 rounds",
                     "```sh\nbench/peers/compare.py -t 1\n```",
                     "* A int8: as it comes. Version 4.5. Cosine of its logits with float32's at least 0.9877.\n",
                     "* B <float> & more: by hand. **Missing** (DeiT-T, DeiT-B): no such \\| wheel for this machine\n",
                     "**Missing** (DeiT-B): no memory\n",
                     "| A int8 | 1.50 3.00 2.00 | 8.00 8.00 8.00 |",
                     "| C half | 2.00 2.00 2.00 |  |"):
            self.assertIn(part, text)
        self.assertNotIn("real-time", text)
        self.assertNotIn("| B <float> & more |  |", text)  # no line of rounds
        urgent = dict(RESULT, real_time=50, threads=2, rounds=1)
        self.assertIn("2 threads, intvit on avx2; medians of 1 round, in each", figures.markdown(urgent))
        self.assertIn("real-time priority 50", figures.markdown(urgent))

    def test_drawing(self):
        text = figures.drawing(RESULT)
        root = xml.etree.ElementTree.fromstring(text)
        space = "{http://www.w3.org/2000/svg}"
        texts = [element.text for element in root.iter(space + "text")]
        for part in ("DeiT-T", "DeiT-B", "intvit 1.2.3, int8", "B <float> & more", "8.00", "320.0 ms"):
            self.assertIn(part, texts)
        self.assertEqual(texts.count("missing"), 3)
        # Bars are as long as the ratios say: ours, A and C for the first model, ours and A for the second.
        bars = {(float(bar.get("x")), float(bar.get("y"))): float(bar.get("width"))
                for bar in root.iter(space + "rect") if bar.get("height") != "12"}
        lengths = [bars[place] for place in sorted(bars)]
        self.assertEqual(len(lengths), 5)
        for length, ratio in zip(lengths, [1, 2, 2, 1, 8]):
            self.assertAlmostEqual(length, ratio * lengths[0], delta=0.5)
        self.assertIn("prefers-color-scheme: dark", text)
        for outside in ("href", "url(", "<script", "@import"):
            self.assertNotIn(outside, text)

    def test_nothing_but_ours(self):
        alone = copy.deepcopy(RESULT)
        for model in alone["models"]:
            model["peers"] = {setup["key"]: {"missing": "left out"} for setup in alone["setups"]}
        xml.etree.ElementTree.fromstring(figures.drawing(alone))
        self.assertIn("| A int8 | missing |", figures.markdown(alone))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            compare.write(RESULT, pathlib.Path(folder))
            self.assertEqual(sorted(os.listdir(folder)), ["peers.json", "peers.md", "peers.svg"])


class Files(unittest.TestCase):
    SHARES = {"read": 0.01, "decode": 0.25, "resize": 0.04, "network": 0.7}

    def result(self):
        result = dict(copy.deepcopy(RESULT), recipe="resize=248,crop=224", weight_format="int7")
        for model in result["models"]:
            model.update({"files": 250, "ours_share": [self.SHARES] * 3})
        return result

    def test_table(self):
        self.assertEqual(figures.files_table(self.result()).splitlines(), [
            "|  | DeiT-T files/s | intvit's, times | DeiT-B files/s | intvit's, times |",
            "| --- | --: | --: | --: | --: |",
            "| **intvit 1.2.3, int7** | **62500.0** | 1 | **6250.0** | 1 |",
            "| Pillow + A int8 | 41666.7 | 2.00 | 781.2 | 8.00 |",
            "| Pillow + B <float> & more | missing |  | missing |  |",
            "| Pillow + C half | 31250.0 | 2.00 | missing |  |",
        ])

    def test_text(self):
        text = figures.files_markdown(self.result())
        for part in ("250 files, 1 thread, intvit on avx2, resize=248,crop=224; medians of 3 rounds",
                     "DeiT-T: read 1.0 %, decode 25.0 %, resize 4.0 %, network 70.0 %; DeiT-B: read",
                     "| A int8 | 1.50 3.00 2.00 | 8.00 8.00 8.00 |"):
            self.assertIn(part, text)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            compare.write(self.result(), pathlib.Path(folder))
            self.assertEqual(sorted(os.listdir(folder)), ["files.json", "files.md"])

    def test_only_the_int8_setups_that_pillow_feeds(self):
        with tempfile.TemporaryDirectory() as folder:
            options = compare.parse_options(["--intvit", sys.executable, "--files", folder])
            self.assertEqual({(setup[0], setup[2]) for setup in compare.setups(options)},
                             {("onnxruntime", "int8"), ("openvino", "int8")})
        self.assertEqual(compare.setups(compare.parse_options(["--intvit", sys.executable])), compare.SETUPS)

    def test_ours_is_asked_for_files(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "intvit"
            program.write_text("""#!/bin/sh\nprintf '{"words": "%s"}' "$*"\n""")
            program.chmod(0o755)
            options = compare.parse_options(["--intvit", str(program), "--files", folder, "-t", "2", "--weight-format", "int7"])
            words = compare.run_intvit(program, "deit_tiny_patch16_224", options)["words"]
        self.assertEqual(words, "bench --arch deit_tiny_patch16_224 -t 2 --weight-format int7 --format json --files " + folder +
                         " --preprocess resize=248,crop=224,filter=bicubic --runs 1 --warmup 1")


    def test_throughput_is_that_of_sessions_beside_the_peak_of_as_many_threads(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "intvit"
            program.write_text("""#!/bin/sh
echo "$*" >>"$0.asked"
case "$*" in *--roofline*) echo '{"results": [{"peak_gmac_per_s": 7}]}' ;;
*) echo '{"results": [{"sessions": 2, "images_per_s": 60, "samples_ms": [36, 38], "put_aside_ms": [46]}]}' ;; esac
""")
            program.chmod(0o755)
            options = compare.parse_options(["--intvit", str(program), "--throughput", "-t", "2"])
            result = compare.run_intvit(program, "deit_tiny_patch16_224", options)["results"][0]
            asked = pathlib.Path(str(program) + ".asked").read_text().splitlines()
        self.assertEqual(result["peak_gmac_per_s"], 7)
        self.assertEqual(compare.image_ms(result), 20)  # two side by side, 40 ms each: all runs count
        start = "bench --arch deit_tiny_patch16_224 -t {} --weight-format int8 --format json "
        self.assertEqual(asked, [start.format(1) + "--sessions 2 --seconds 1.0 --warmup 3",
                                 start.format(2) + "--seconds 0.1 --roofline"])
        self.assertEqual({setup[0] for setup in compare.setups(options)}, {"intvit", "onnxruntime", "openvino"})
        self.assertIn("throughput of 2 streams", figures.markdown(RESULT | {"throughput": True, "threads": 2}))

    def test_merged_tokens_are_asked_for_as_ours_is_and_have_no_cosine(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "intvit"
            program.write_text("""#!/bin/sh\necho "$*" >"$0.asked"; echo '{"results": [{"samples_ms": [3, 1, 2]}]}'\n""")
            program.chmod(0o755)
            options = compare.parse_options(["--intvit", str(program)])
            merged = compare.Merged(program, "deit_tiny_patch16_224", options)
            self.assertEqual(merged.measure(seconds=1), 2)
            asked = pathlib.Path(str(program) + ".asked").read_text()
        self.assertEqual(asked, "bench --arch deit_tiny_patch16_224 -t 1 --weight-format int8 --format json --seconds 1.0 "
                                "--warmup 3 --roofline --speed-up 1.5\n")
        result = copy.deepcopy(RESULT)
        result["models"][0]["peers"]["a int8"]["cosine"] = None
        del result["models"][1]["peers"]["a int8"]
        self.assertIn("* A int8: as it comes. Version 4.5.\n", figures.setup_lines(result))

    def test_no_run_of_ours_is_left_out(self):
        self.assertEqual(compare.image_ms({"samples_ms": [1, 2, 3], "put_aside_ms": [8, 9]}), 3)
        self.assertEqual(compare.image_ms({"samples_ms": [1, 2, 3]}), 2)


class Turns(unittest.TestCase):
    def test_every_round_has_all_and_begins_with_another(self):
        seen = []

        def measure(worker):
            seen.append(worker)
            return len(seen)

        reports, times, failures = compare.take_turns({"a": "A", "b": "B"}, lambda: seen.append("ours"), 3, measure)
        self.assertEqual(seen, ["ours", "A", "B", "A", "B", "ours", "B", "ours", "A"])
        self.assertEqual(times, {"a": [2, 4, 9], "b": [3, 5, 7]})
        self.assertEqual(len(reports), 3)
        self.assertEqual(failures, {})

    def test_one_that_fails_is_left_out_and_the_rest_go_on(self):
        calls = []

        def measure(worker):
            calls.append(worker)
            if worker == "B":
                raise compare.Missing("out of order")
            return 1.0

        _, times, failures = compare.take_turns({"a": "A", "b": "B"}, lambda: None, 3, measure)
        self.assertEqual(failures, {"b": "out of order"})
        self.assertEqual(times["a"], [1.0, 1.0, 1.0])
        self.assertEqual(calls.count("B"), 1)


class MissingPeers(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def worker(self, script):
        """A worker whose Python is a shell script."""
        program = self.folder / "python"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        return compare.Worker(program, "peer", "setup", "model", 1, self.folder)

    def test_a_worker_answers(self):
        worker = self.worker("""echo '{"version": "7", "cosine": 1}'; read line; echo '{"samples_ms": [3, 1, 2]}'\n""")
        self.addCleanup(worker.stop)
        self.assertEqual(worker.ready["version"], "7")
        self.assertEqual(worker.measure(seconds=1), 2)

    def test_a_worker_tells_its_reason(self):
        with self.assertRaisesRegex(compare.Missing, "^ImportError: no such module$"):
            self.worker("""echo '{"error": "ImportError: no such module"}'\n""")

    def test_a_worker_dies(self):
        with self.assertRaisesRegex(compare.Missing, "^ended with code 3: something broke$"):
            self.worker("echo something broke >&2; exit 3\n")

    def test_a_worker_dies_while_it_measures(self):
        worker = self.worker("""echo '{"version": "7", "cosine": 1}'; read line; exit 4\n""")
        self.addCleanup(worker.stop)
        with self.assertRaisesRegex(compare.Missing, "^ended with code 4: no reason given$"):
            worker.measure(seconds=1)

    def install(self, python):
        """compare.install() with a Python that is a shell script, called as `python -m venv FOLDER`."""
        (self.folder / "requirements").mkdir(exist_ok=True)
        (self.folder / "requirements/peer.txt").write_text("a-package==1.0\n")
        program = self.folder / "python"
        program.write_text("#!/bin/sh\n" + python)
        program.chmod(0o755)
        with mock.patch.object(compare, "HERE", self.folder), mock.patch.object(compare, "BUILD", self.folder / "build"), \
                mock.patch.object(sys, "executable", str(program)), contextlib.redirect_stderr(io.StringIO()):
            return compare.install("peer")

    def test_an_installation_fails(self):
        with self.assertRaisesRegex(compare.Missing, "python"):
            self.install("exit 0\n")  # says that it made an environment, but there is none
        with self.assertRaisesRegex(compare.Missing, "^cannot be installed: no venv here$"):
            self.install("echo no venv here >&2; exit 1\n")
        with self.assertRaisesRegex(compare.Missing, "^cannot be installed: ERROR: no network$"):
            self.install("""mkdir -p "$3/bin"; echo '#!/bin/sh
                echo warning >&2; echo ERROR: no network >&2; exit 1' >"$3/bin/python"; chmod +x "$3/bin/python"\n""")
        self.assertFalse((self.folder / "build/peer/installed.txt").exists())

    def test_an_installation_is_made_once(self):
        makes = """mkdir -p "$3/bin"; echo '#!/bin/sh' >"$3/bin/python"; chmod +x "$3/bin/python"\n"""
        python = self.install(makes)
        self.assertEqual(python, self.folder / "build/peer/bin/python")
        self.assertEqual(self.install("echo again >&2; exit 1\n"), python)

    def test_every_peer_has_requirements(self):
        for peer in compare.PEERS:
            self.assertTrue((compare.HERE / "requirements" / f"{peer}.txt").is_file(), peer)
            self.assertTrue((compare.HERE / f"{peer}_peer.py").is_file(), peer)


class Options(unittest.TestCase):
    def refused(self, arguments):
        messages = io.StringIO()
        with contextlib.redirect_stderr(messages), self.assertRaises(SystemExit) as exit_code:
            compare.parse_options(arguments)
        return exit_code.exception.code, messages.getvalue()

    def test_what_makes_no_sense(self):
        for arguments, message in ((["--arch", "resnet50"], "'resnet50' is none of deit_tiny_patch16_224"),
                                   (["--peers", "onnxruntime,x"], "'x' is none of onnxruntime, openvino, pytorch"),
                                   (["--rounds", "0"], "invalid positive int value: '0'"),
                                   (["--seconds", "-1"], "positive float")):
            code, text = self.refused(arguments)
            self.assertEqual(code, 2)
            self.assertIn(message, text)

    def test_no_folder(self):
        code, text = self.refused(["--intvit", sys.executable, "--files", "/nonexistent"])
        self.assertEqual(code, 1)
        self.assertEqual(text, "/nonexistent: no such folder\n")

    def test_no_program(self):
        code, text = self.refused(["--intvit", "/nonexistent/intvit"])
        self.assertEqual(code, 1)
        self.assertEqual(text, "/nonexistent/intvit: no such program; build it or name it with --intvit\n")

    def test_lists(self):
        options = compare.parse_options(["--intvit", sys.executable, "--peers", "pytorch,openvino", "-t", "2"])
        self.assertEqual(options.peers, ["pytorch", "openvino"])
        self.assertEqual(options.threads, 2)


if __name__ == "__main__":
    unittest.main()
