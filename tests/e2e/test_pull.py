"""`pensieve pull` and remote headers against a file server of every kind of honesty."""
import hashlib
import http.server
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading

import pytest
from synthetic_projector import write_projector

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "memory"))
BINARY = os.environ["PENSIEVE_BINARY"]
MODELS = pathlib.Path(os.environ["PENSIEVE_TEST_MODELS"])
STARTER = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"


class FileServer:
    """Serves one folder; `ranges`, `cut_after` and `extra` make it the server that it should be."""

    def __init__(self, folder):
        self.ranges, self.cut_after, self.extra, self.tag = True, None, b"", '"1"'
        self.linked = None  # the sum that a model hub tells
        self.sent, self.range_requests = 0, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                path = folder / self.path.lstrip("/")
                if not path.is_file():
                    self.send_error(404)
                    return
                size, first, wanted = path.stat().st_size, 0, self.headers.get("Range")
                last = size - 1
                if wanted and outer.ranges:
                    outer.range_requests.append(wanted)
                    begin, end = wanted.removeprefix("bytes=").split("-")
                    first, last = int(begin), min(int(end), size - 1)
                    if first >= size:
                        self.send_response(416)
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                        return
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(last - first + 1))
                self.send_header("ETag", outer.tag)
                if outer.linked:
                    self.send_header("X-Linked-ETag", outer.linked)
                self.end_headers()
                try:
                    self.stream(path, first, last - first + 1)
                except OSError:
                    pass  # the client went away

            def stream(self, path, first, count):
                with open(path, "rb") as file:
                    file.seek(first)
                    while count > 0:
                        piece = file.read(min(count, 1 << 16))
                        if outer.cut_after is not None and outer.sent + len(piece) > outer.cut_after:
                            self.wfile.write(piece[: max(0, outer.cut_after - outer.sent)])
                            outer.sent = outer.cut_after
                            self.wfile.flush()
                            self.close_connection = True
                            self.connection.close()
                            return
                        self.wfile.write(piece)
                        outer.sent += len(piece)
                        count -= len(piece)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    os.symlink(STARTER, folder / "starter.gguf")
    server = FileServer(folder)
    server.folder = folder
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def pensieve(home, *words, check=True):
    run = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=120, env={**os.environ, "PENSIEVE_HOME": str(home)})
    if check:
        assert run.returncode == 0, run.stderr
    return run


def whole_sum():
    return hashlib.sha256(STARTER.read_bytes()).hexdigest()


def listed(home):
    return sorted(p.name for p in (home / "models").glob("*.gguf"))


def test_pull_brings_the_whole_file_under_its_name(files, home):
    pensieve(home, "pull", files.url + "/starter.gguf", "--sha256", whole_sum())
    assert listed(home) == ["starter.gguf"]
    assert hashlib.sha256((home / "models/starter.gguf").read_bytes()).hexdigest() == whole_sum()
    assert not list((home / "models").glob("*.part*"))


def test_a_projector_comes_to_its_model(files, home):
    write_projector(files.folder / "mmproj-starter.gguf", 576)
    pensieve(home, "pull", files.url + "/starter.gguf")
    told = pensieve(home, "pull", files.url + "/mmproj-starter.gguf").stderr
    assert "a projector" in told
    shown = json.loads(pensieve(home, "show", "starter", "--json").stdout)["model"]
    assert shown["capabilities"] == ["vision"] and shown["projector"].endswith("mmproj-starter.gguf")
    assert "sees images with" in pensieve(home, "show", "starter").stdout
    assert "llama + vision" in pensieve(home, "list").stdout


def test_an_interrupted_pull_lists_nothing_and_goes_on_where_it_stopped(files, home):
    files.cut_after = 40_000_000
    run = pensieve(home, "pull", files.url + "/starter.gguf", check=False)
    assert run.returncode == 1 and "error:" in run.stderr
    assert listed(home) == []
    files.cut_after, files.sent = None, 0
    files.range_requests.clear()
    pensieve(home, "pull", files.url + "/starter.gguf", "--sha256", whole_sum())
    assert listed(home) == ["starter.gguf"]
    begin = int(files.range_requests[-1].removeprefix("bytes=").split("-")[0])
    assert begin > 30_000_000, "the second try began anew"


def test_a_file_that_changed_meanwhile_is_fetched_anew(files, home):
    files.cut_after = 40_000_000
    pensieve(home, "pull", files.url + "/starter.gguf", check=False)
    files.cut_after, files.sent, files.tag = None, 0, '"2"'
    pensieve(home, "pull", files.url + "/starter.gguf", "--sha256", whole_sum())
    assert listed(home) == ["starter.gguf"]


def test_a_wrong_sum_leaves_nothing(files, home):
    run = pensieve(home, "pull", files.url + "/starter.gguf", "--sha256", "0" * 64, check=False)
    assert run.returncode == 1 and "instead of 0000" in run.stderr
    assert listed(home) == [] and not list((home / "models").glob("*.part*"))


def test_the_sum_that_the_server_tells_is_compared_and_its_absence_is_said(files, home):
    run = pensieve(home, "pull", files.url + "/starter.gguf")
    assert "unverified" in run.stderr
    (home / "models/starter.gguf").unlink()
    files.linked = f'"{whole_sum()}"'
    run = pensieve(home, "pull", files.url + "/starter.gguf")
    assert "sha256 is right" in run.stderr and "unverified" not in run.stderr
    (home / "models/starter.gguf").unlink()
    files.linked = f'"{"1" * 64}"'
    run = pensieve(home, "pull", files.url + "/starter.gguf", check=False)
    assert run.returncode == 1 and "instead of 1111" in run.stderr
    assert listed(home) == [] and not list((home / "models").glob("*.part*"))


def test_a_full_disk_is_an_error_that_lists_nothing_and_the_next_pull_goes_on(files, home):
    def small_disk():  # writes beyond 30 MB fail
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000_000, 30_000_000))

    environment = {**os.environ, "PENSIEVE_HOME": str(home)}
    run = subprocess.run([BINARY, "pull", files.url + "/starter.gguf"], capture_output=True, text=True, timeout=120, env=environment,
                         preexec_fn=small_disk)
    assert run.returncode == 1 and run.stderr.splitlines()[-1].startswith("error: ")
    assert listed(home) == []
    pensieve(home, "pull", files.url + "/starter.gguf", "--sha256", whole_sum())
    assert listed(home) == ["starter.gguf"]


def test_a_server_without_ranges_is_told_so(files, home):
    files.ranges = False
    run = pensieve(home, "fit", files.url + "/starter.gguf", check=False)
    assert run.returncode == 1 and "gives no parts of files" in run.stderr
    assert files.sent < 10_000_000


def test_a_missing_file_and_a_foreign_one_are_errors(files, home):
    assert "404" in pensieve(home, "pull", files.url + "/none.gguf", check=False).stderr
    (files.folder / "page.gguf").write_text("<html>" * 1000)
    run = pensieve(home, "pull", files.url + "/page.gguf", check=False)
    assert run.returncode == 1 and "not a GGUF file" in run.stderr
    assert pensieve(home, "pull", "no-such-model", check=False).returncode == 1


def test_a_large_model_is_refused_after_reading_under_two_percent_of_it(files, home):
    from synthetic_models import gen, llama

    path = files.folder / "large.gguf"
    architecture, metadata, tensors = llama(80, 8192, 64, 8, 28672, 128256)
    gen(str(path), architecture, metadata, tensors, 128256)
    assert path.stat().st_size > 30_000_000_000
    files.sent = 0
    run = pensieve(home, "pull", files.url + "/large.gguf", check=False)
    assert run.returncode == 1 and "does not fit this machine" in run.stderr, run.stderr
    assert files.sent < 0.02 * path.stat().st_size
    assert listed(home) == []


def test_a_header_of_500_mb_is_planned_from_two_percent(files, home):
    from synthetic_models import gen, llama

    path = files.folder / "middle.gguf"
    architecture, metadata, tensors = llama(16, 1536, 12, 4, 4096, 64000)
    gen(str(path), architecture, metadata, tensors, 64000)
    size = path.stat().st_size
    files.sent = 0
    rows = json.loads(pensieve(home, "fit", "--json", files.url + "/middle.gguf").stdout)["models"]
    assert rows[0]["weights_bytes"] > 0.9 * size
    assert files.sent < 0.02 * max(size, 500_000_000)


def test_fit_judges_the_catalog_for_a_machine_profile(home):
    rows = {r["model"]: r for r in json.loads(pensieve(home, "fit", "--machine", "m1-16gb", "--json").stdout)["models"]}
    assert rows["mixtral-8x7b:Q4_K_M"]["verdict"] == "does not fit"
    deepseek = rows["deepseek-coder-6.7b:Q4_K_M"]
    assert deepseek["verdict"] == "fits" and 11 <= deepseek["decode_tps"] <= 13
    text = pensieve(home, "fit", "--machine", "m1-16gb").stdout
    assert "above the memory bandwidth's limit of 16" in text
    explained = pensieve(home, "fit", "--explain", str(STARTER)).stdout
    assert "KV cache" in explained and "total" in explained


def test_rm_deletes_an_installed_model_only(files, home):
    pensieve(home, "pull", files.url + "/starter.gguf")
    assert pensieve(home, "rm", "other", check=False).returncode == 1
    pensieve(home, "rm", "starter")
    assert listed(home) == []
