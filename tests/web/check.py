"""The page of examples/web in a headless Chromium: does it give the native program's logits?

    check.py WEB_FOLDER NATIVE_JSON PHOTOGRAPH JPEG [--screenshot PNG]

WEB_FOLDER is given out by a server of this process, drive.html and the two pictures beside it. drive.html drops pictures
onto the page as a user would and posts what the page then shows; every result must be what is expected below.
NATIVE_JSON is `intvit classify --format json --raw-logits PHOTOGRAPH JPEG`. With --screenshot, takes a picture of the page
after its start as well. Exit code 0: all as expected, 1: not.
"""

import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

SECONDS = 300


class Handler(http.server.SimpleHTTPRequestHandler):
    extra = {}  # path: file, beside the folder's
    posted = None
    done = threading.Event()

    def translate_path(self, path):
        return str(self.extra.get(path) or super().translate_path(path))

    def do_GET(self):
        if self.path == "/hold":
            Handler.done.wait(SECONDS)
            self.send_error(404)
        else:
            super().do_GET()

    def do_POST(self):
        Handler.posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        Handler.done.set()

    def log_message(self, *arguments):
        pass


def browser(profile, *arguments):
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("check.py: there is no chromium")
    return [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={profile}", *arguments]


def run_page(address, profile):
    process = subprocess.Popen(browser(profile, address), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        if not Handler.done.wait(SECONDS):
            process.terminate()
            sys.exit(f"check.py: no result in {SECONDS} s; the browser said:\n{process.communicate()[1][-4000:]}")
    finally:
        process.terminate()
        process.wait()
    return Handler.posted


def check(results, photograph, jpeg):
    failures = []

    def expect(what, found, expected):
        if found != expected:
            failures.append(f"{what}: {found!r} instead of {expected!r}")

    expect("results", [result["picture"] for result in results],
           ["start", "dropped photograph", "dropped text", "chosen photograph", "dropped jpeg"])
    for result in results:
        if result["picture"] != "dropped text":
            native = jpeg if "jpeg" in result["picture"] else photograph
            expect(f'{result["picture"]}: logits', result["logits"], native["logits"])
            names = [entry["label"] for entry in native["top"]]
            expect(f'{result["picture"]}: names', result["names"], names)
            shares = [f'{100 * entry["probability"]:.2f} %' for entry in native["top"]]
            expect(f'{result["picture"]}: shares', result["shares"], shares)
            expect(f'{result["picture"]}: message', result["message"], "")
            if not result["time"].endswith(" ms: decoded, resized and classified"):
                failures.append(f'{result["picture"]}: time: {result["time"]!r}')
        else:
            expect("text: logits", result["logits"], None)
            expect("text: names", result["names"], [])
            if "not a picture in JPEG, PNG" not in result["message"]:
                failures.append(f'text: message: {result["message"]!r}')
    return failures


def main():
    folder, native_json, photograph, jpeg = map(pathlib.Path, sys.argv[1:5])
    native = [json.loads(line) for line in native_json.read_text().splitlines()]
    here = pathlib.Path(__file__).parent
    Handler.extra = {"/drive.html": here / "drive.html", "/photograph": photograph, "/jpeg": jpeg}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        results = run_page(address + "/drive.html", profile)
        if sys.argv[5:6] == ["--screenshot"]:
            Handler.done.clear()
            subprocess.run(browser(profile, "--window-size=860,490", "--hide-scrollbars",
                                   f"--screenshot={sys.argv[6]}", address + "/drive.html#start"),
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.shutdown()
    failures = check(results, *native)
    for failure in failures:
        print(f"check.py: {failure}", file=sys.stderr)
    if failures:
        sys.exit(1)
    top = native[0]["top"][0]
    print(f'{len(results)} results of the page as expected; {photograph.name}: "{top["label"]}", logits equal to the '
          f"native program's bit for bit; {results[0]['time']}")


main()
