"""Every command of the real binary, with and without a server."""
import contextlib
import json
import os
import pty
import re
import resource
import select
import shutil
import socket
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import BINARY, MODELS, STARTER, STARTER_ID, children, wait_until


def command(home, *arguments, stdin=None, **variables):
    environment = {k: v for k, v in os.environ.items() if k != "PENSIEVE_API_KEY"}
    environment |= {"PENSIEVE_HOME": str(home), **variables}
    return subprocess.run([BINARY, *arguments], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, env=environment, timeout=120)


def good(home, *arguments, **more):
    done = command(home, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(home, *arguments, code=1, **more):
    """The error, in the form that all have: what; what to do."""
    done = command(home, *arguments, **more)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr.startswith("error: ") and "; " in done.stderr, done.stderr
    assert "\x1b" not in done.stderr
    return done.stderr


def install_starter(home):
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models" / STARTER).symlink_to(MODELS / STARTER)


@pytest.fixture
def home(tmp_path):
    """A home with the starter model, and no server left behind."""
    install_starter(tmp_path)
    (tmp_path / "config.toml").write_text("[server]\nport = 0\n")
    yield tmp_path
    command(tmp_path, "stop")


COMMANDS = ["serve", "start", "stop", "status", "run", "chat", "list", "show", "ps", "config", "doctor", "completion", "man", "fit", "bench", "pull", "rm", "route",
            "load", "unload", "pin", "unpin", "simulate", "launch", "merge", "adapter"]


def test_the_documents_name_no_command_that_is_not_there():
    root = Path(__file__).parents[2]
    named = {word for page in ("README.md", "docs/cli.md") for word in re.findall(r"pensieve ([a-z]+)\b", (root / page).read_text())}
    assert len(named) > 10 and named <= set(COMMANDS), named - set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(tmp_path, name):
    text = good(tmp_path, name, "--help")
    assert f"Example:\n  pensieve {name}" in text


def test_wrong_usage_exits_with_2_and_says_what_was_meant(tmp_path):
    assert "unknown command 'lsit'; did you mean 'list'?" in refused(tmp_path, "lsit", code=2)
    assert "`pensieve list --help`" in refused(tmp_path, "list", "--nonsense", code=2)
    assert "`pensieve --help`" in refused(tmp_path, code=2)
    refused(tmp_path, "completion", "csh")


def test_errors_are_red_only_on_a_terminal_without_no_color(tmp_path):
    def on_terminal(**variables):
        with Terminal(tmp_path, "ps", **variables) as terminal:
            return terminal.until("no server is running")

    assert "\x1b[31merror:\x1b[0m" in on_terminal()
    assert "\x1b" not in on_terminal(NO_COLOR="1")


# --- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["man"], ["simulate"], ["list", "--available"]])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(home, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run([BINARY, *arguments], stdout=gone, stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"PENSIEVE_HOME": str(home)}, timeout=120)
    assert done.stderr == "" and done.returncode in (0, 141)


def test_list_and_show_work_without_a_server(home):
    (home / "models" / "foreign.gguf").write_bytes(b"hello")
    whole = (MODELS / STARTER).read_bytes()
    (home / "models" / "cut.gguf").write_bytes(whole[:len(whole) // 2])
    text = good(home, "list")
    assert STARTER_ID in text and "98.4 MB" in text and "not a GGUF file" in text and "cut off" in text
    listed = json.loads(good(home, "list", "--json"))
    assert [model["id"] for model in listed["models"]] == [STARTER_ID]
    model = listed["models"][0]
    assert model["file_bytes"] == (MODELS / STARTER).stat().st_size and model["state"] == "unloaded"
    assert model["architecture"] == "llama" and "primary" in model["aliases"]
    assert {Path(file["path"]).name for file in listed["skipped"]} == {"foreign.gguf", "cut.gguf"}

    assert "license" in good(home, "show", "auto") and "tokenizer.ggml.model" in good(home, "show", "auto", "--metadata")
    shown = json.loads(good(home, "show", "auto", "--json"))
    assert shown["model"]["id"] == STARTER_ID and shown["file"]["layers"] == 30 and shown["file"]["kv_heads"] == 3
    assert shown["file"]["license"] == "apache-2.0" and shown["file"]["vocabulary_size"] == 49152
    assert shown["file"]["trained_context_tokens"] == 8192 and shown["loaded_with"]["context_tokens"] == 8192
    assert sum(share["bytes"] for share in shown["file"]["types"]) <= shown["file"]["file_bytes"]
    assert "gpt-*" in shown["names"]
    assert json.loads(good(home, "show", str(home / "models" / STARTER), "--json"))["model"]["id"] == STARTER_ID
    assert "did you mean" in refused(home, "show", "smolm")
    assert "cut off" in refused(home, "show", str(home / "models" / "cut.gguf"))


def test_an_empty_models_folder_says_where_to_put_a_model(tmp_path):
    assert str(tmp_path / "models") in good(tmp_path, "list")
    assert str(tmp_path / "models") in refused(tmp_path, "show", "auto")


def test_commands_show_the_running_server(server):
    status = good(server.home, "status")
    assert server.url in status and f"leads to {STARTER_ID}" in status
    assert json.loads(good(server.home, "status", "--json"))["default_model"] == STARTER_ID
    loaded = json.loads(good(server.home, "ps", "--json"))["models"]
    assert [model["id"] for model in loaded] == [STARTER_ID] and loaded[0]["state"] == "ready"
    assert loaded[0]["worker_pid"] in children(server.process.pid) and loaded[0]["kv_bytes"] > 0
    assert str(loaded[0]["worker_pid"]) in good(server.home, "ps")
    assert json.loads(good(server.home, "list", "--json"))["models"][0]["state"] == "ready"


def test_models_are_loaded_pinned_and_unloaded_from_the_command_line(server):
    assert "is loaded and stays so" in good(server.home, "pin", STARTER_ID)
    assert "pinned" in good(server.home, "ps")
    assert json.loads(good(server.home, "unpin", STARTER_ID, "--json"))["pinned"] is False
    assert "is unloaded" in good(server.home, "unload", STARTER_ID)
    assert server.status()["models"][0]["state"] == "unloaded"
    assert "is loaded" in good(server.home, "load", "auto")
    assert server.status()["models"][0]["state"] == "ready"
    assert "not installed" in refused(server.home, "load", "no such/model?")


def test_commands_that_need_a_server_say_how_to_start_one(tmp_path):
    for name in ("status", "ps"):
        assert "no server is running; start one with `pensieve start`" in refused(tmp_path, name)


# --- settings -----------------------------------------------------------------------------------


def test_config_shows_values_with_their_sources_and_changes_them(tmp_path):
    assert good(tmp_path, "config", "path").strip() == str(tmp_path / "config.toml")
    good(tmp_path, "config", "init")
    assert "is there already" in refused(tmp_path, "config", "init")
    assert good(tmp_path, "config", "get", "server.port").strip() == "8484"
    good(tmp_path, "config", "set", "server.port", "9000")
    text = (tmp_path / "config.toml").read_text()
    assert "# port to listen on" in text and "\nport = 9000\n" in text
    good(tmp_path, "config", "set", "models.paths", "/a.gguf,/b.gguf")
    good(tmp_path, "config", "set", "aliases.claude-*", "fallback")
    good(tmp_path, "config", "set", "server.port", "9001")
    assert oct((tmp_path / "config.toml").stat().st_mode)[-3:] == "600"
    settings = {s["key"]: s for s in json.loads(good(tmp_path, "config", "--json", PENSIEVE_LOG_LEVEL="debug"))["settings"]}
    assert settings["server.port"]["value"] == 9001 and settings["server.port"]["default_value"] == 8484
    assert settings["models.paths"]["value"] == ["/a.gguf", "/b.gguf"] and settings["models.paths"]["source"] == "file"
    assert settings["log.level"]["source"] == "environment" and settings["engine.parallel"]["source"] == "default"
    assert settings["aliases.claude-*"]["value"] == "fallback"
    assert "server.port" in good(tmp_path, "config")


def test_config_refuses_what_would_not_load_and_leaves_the_file(tmp_path):
    good(tmp_path, "config", "set", "server.port", "9000")
    before = (tmp_path / "config.toml").read_text()
    assert "did you mean 'server.port'" in refused(tmp_path, "config", "set", "server.prot", "1")
    assert "whole number" in refused(tmp_path, "config", "set", "server.port", "99999")
    refused(tmp_path, "config", "get", "no.such")
    assert (tmp_path / "config.toml").read_text() == before


def test_a_broken_config_is_named_with_its_line_by_every_command(home):
    (home / "config.toml").write_text("[server]\nport = 0\nprot = 1\n")
    for arguments in (["list"], ["start"], ["serve"], ["run", "hi"], ["config"]):
        error = refused(home, *arguments)
        assert "config.toml:3: unknown setting 'server.prot'" in error and "server.port" in error


# --- the server in the background ---------------------------------------------------------------


def test_start_is_repeatable_and_stop_ends_it(home):
    first = json.loads(good(home, "start", "--json"))
    assert not first["already_running"] and first["url"].startswith("http://127.0.0.1:")
    second = json.loads(good(home, "start", "--json"))
    assert second["already_running"] and second["pid"] == first["pid"]
    assert "running already" in refused(home, "start", "--port", "1")
    assert json.loads(good(home, "stop", "--json"))["stopped"]
    assert not json.loads(good(home, "stop", "--json"))["stopped"]


def test_commands_that_need_a_server_at_the_same_time_start_one(home):
    with ThreadPoolExecutor(4) as pool:
        started = [json.loads(text) for text in pool.map(lambda _: good(home, "start", "--json"), range(4))]
    assert len({one["pid"] for one in started}) == 1


def test_start_takes_settings(home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert json.loads(good(home, "start", "--port", str(port), "--json"))["url"].endswith(f":{port}")


def test_a_stale_record_of_a_reused_pid_is_no_server(home):
    (home / "run").mkdir()
    record = {"pid": os.getpid(), "start_time": 1, "url": "http://127.0.0.1:1", "version": "0"}
    (home / "run" / "server.json").write_text(json.dumps(record))
    assert "no server was running" in good(home, "stop")
    assert "without cleaning up" in good(home, "doctor")
    started = json.loads(good(home, "start", "--json"))
    assert started["pid"] != os.getpid() and not started["already_running"]


def test_a_taken_port_keeps_the_server_from_starting_and_doctor_says_so(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        error = refused(home, "start", "--port", port)
        assert "can't listen" in error and port in error
        done = command(home, "doctor", PENSIEVE_SERVER_PORT=port)
        assert done.returncode == 1 and "can't listen" in done.stdout and "-> end the program" in done.stdout


def test_an_unusable_data_folder_is_a_clear_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for name in ("start", "serve"):
        assert "PENSIEVE_HOME" in refused(blocked, name)
    found = json.loads(command(blocked, "doctor", "--json").stdout)
    assert not found["ok"] and any(c["name"] == "folders" and c["verdict"] == "broken" for c in found["checks"])


def test_a_full_disk_is_a_clear_error_at_start(tmp_path):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk can't be mounted here: {mounted.stderr.strip()}")
    try:
        with contextlib.suppress(OSError), open(tmp_path / "filling", "wb", buffering=0) as filling:
            while True:
                filling.write(bytes(1024))
        assert "free some disk space" in refused(tmp_path, "serve")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_size_limit_reads_as_a_full_disk(tmp_path):
    """The same path as a full disk, where nothing can be mounted."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    done = subprocess.run([BINARY, "serve"], capture_output=True, text=True, env={**os.environ, "PENSIEVE_HOME": str(tmp_path)},
                          preexec_fn=limit, restore_signals=False, timeout=60)
    assert done.returncode == 1 and "free some disk space" in done.stderr


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_finds_a_good_chain_good(home):
    found = json.loads(good(home, "doctor", "--deep", "--json"))
    assert found["ok"] and found["engine"].startswith("llama.cpp")
    assert any(device["kind"] == "cpu" for device in found["devices"])
    assert {"config", "folders", "disk", "engine", "server", "memory", "models"} <= {check["name"] for check in found["checks"]}
    assert any("its sha256 is right" in check["message"] for check in found["checks"])
    assert "Pensieve can serve." in good(home, "doctor")


def test_doctor_names_what_is_broken_and_what_to_do(home):
    model = home / "models" / STARTER
    content = bytearray(model.read_bytes())
    model.unlink()
    content[-1000] ^= 0xFF
    model.write_bytes(content)
    (home / "models" / "foreign.gguf").write_bytes(b"GGUF")
    assert command(home, "doctor").returncode == 0
    done = command(home, "doctor", "--deep", "--json")
    checks = json.loads(done.stdout)["checks"]
    assert done.returncode == 1
    assert [c["verdict"] for c in checks if "content is damaged" in c["message"]] == ["broken"]
    assert [c["verdict"] for c in checks if "foreign.gguf" in c["message"]] == ["warning"]
    assert all(c["advice"] for c in checks if c["verdict"] == "broken")
    model.unlink()
    assert "no model is installed" in command(home, "doctor").stdout
    (home / "config.toml").write_text("[roles]\nprimary = \"gone\"\n[server]\nport = 99999\n")
    done = command(home, "doctor")
    assert done.returncode == 1 and "config.toml:4" in done.stdout


def test_doctor_knows_the_running_server(server):
    assert f"answers at {server.url}" in good(server.home, "doctor")


# --- run and chat -------------------------------------------------------------------------------


def test_run_streams_an_answer_and_reads_its_input(server):
    done = command(server.home, "run", "Say hello.", "--max-tokens", "8")
    assert done.returncode == 0 and done.stdout.strip() and re.search(r"first token after \d+ ms, \d+ tokens, [\d.]+ tok/s", done.stderr)
    whole = json.loads(good(server.home, "run", "--json", "--max-tokens", "8", stdin="Say hello.\n"))
    assert whole["answer"] and whole["model"] == STARTER_ID and whole["finish_reason"] in ("stop", "length")
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"] <= 100
    assert whole["ttft_ms"] > 0 and whole["tokens_per_second"] > 0
    same = json.loads(good(server.home, "run", STARTER_ID, "-", "--json", "--max-tokens", "8", stdin="Say hello."))
    assert same["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"]
    assert "the question is empty" in refused(server.home, "run", stdin="\n")
    assert "is not installed" in refused(server.home, "run", "-m", "nonsense", "hi")


def test_run_says_that_a_key_is_needed(make_server):
    server = make_server(server__api_keys="secret")
    assert "set PENSIEVE_API_KEY" in refused(server.home, "run", "hi")
    assert good(server.home, "run", "hi", "--max-tokens", "4", PENSIEVE_API_KEY="secret").strip()


def test_chat_takes_each_line_of_a_file_as_a_turn(server, tmp_path):
    talk = tmp_path / "talk.md"
    done = command(server.home, "chat", "--max-tokens", "8", stdin=f'/system Be brief.\nHello.\n"""\nTwo\nlines\n"""\n/regenerate\n/save {talk}\n')
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" tok/s") == 3
    saved = talk.read_text()
    assert saved.startswith("## system\n\nBe brief.\n\n## user\n\nHello.\n\n## assistant\n\n") and "## user\n\nTwo\nlines\n\n" in saved
    assert saved.count("## assistant") == 2 and oct(talk.stat().st_mode)[-3:] == "600"
    failed = command(server.home, "chat", "-m", "nonsense", stdin="Hello.\n")
    assert failed.returncode == 1 and "is not installed" in failed.stderr


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, home, *arguments, **variables):
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PENSIEVE_API_KEY")}
        environment |= {"PENSIEVE_HOME": str(home), "TERM": "xterm", **variables}
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(BINARY, [BINARY, *arguments], environment)
        self.seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)

    def until(self, text, seconds=60):
        """Output up to `text`, a regular expression, which is consumed."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(text, self.seen)):
            assert time.monotonic() < deadline, f"{text!r} did not appear in {self.seen!r}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.descriptor, 65536).decode(errors="replace")
                except OSError:
                    assert re.search(text, self.seen), f"{text!r} did not appear in {self.seen!r}"
        taken, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return taken

    def prompt(self):
        """The next prompt. What is typed before the editor has the terminal is echoed twice."""
        self.until("> ")
        wait_until(lambda: not termios.tcgetattr(self.descriptor)[3] & termios.ECHO, 10, "the editor")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def exit_code(self, seconds=30):
        def ended():
            with contextlib.suppress(OSError):
                if select.select([self.descriptor], [], [], 0)[0]:
                    os.read(self.descriptor, 65536)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (os.waitstatus_to_exitcode(status),) if pid else None

        code = wait_until(ended, seconds, "the end of the command")[0]
        self.pid = 0
        return code


FIGURES = r"\[\S+: first token after \d+ ms, \d+ tokens, [\d.]+ tok/s[^\]]*\]"


def test_chat_is_comfortable_on_a_terminal(server):
    history = server.home / "chat_history"
    with Terminal(server.home, "chat", "--max-tokens", "12") as chat:
        chat.until("Ctrl-D leaves")
        chat.prompt()
        chat.type("Say größe.\r")
        chat.until(FIGURES)
        chat.prompt()
        chat.type("first\\\r")
        chat.until(r"\. ")
        chat.type("second\r")
        chat.until(FIGURES)
        chat.prompt()
        chat.type("/model nonsense\r")
        chat.until("error:.*nonsense.*is not installed")
        chat.prompt()
        chat.type("/model auto:fast\r")
        chat.until("auto:fast answers from now on")
        chat.prompt()
        chat.type("half a line\x03")
        chat.until("Ctrl-D or /exit leaves")
        chat.prompt()
        chat.type("\x1b[A")  # the line before, from the history
        chat.until("/model auto:fast")
        chat.type("\x15\x04")
        assert chat.exit_code() == 0
    assert oct(history.stat().st_mode)[-3:] == "600"
    with Terminal(server.home, "chat") as chat:
        chat.prompt()
        chat.type("\x1b[A")
        chat.until("/model auto:fast")
        chat.type("\x15/exit\r")
        assert chat.exit_code() == 0


def test_ctrl_c_stops_the_answer_and_not_the_chat(server):
    with Terminal(server.home, "chat", "--max-tokens", "4000") as chat:
        chat.prompt()
        chat.type("Write a very long story about a whale and a ship.\r")
        chat.until(r"ship\.\r*\n\S+")
        chat.type("\x03")
        chat.until(r"tok/s, stopped\]", 10)
        chat.prompt()
        wait_until(lambda: server.status()["models"][0]["active_requests"] == 0, 5, "the end of the answer in the server")
        chat.type("/exit\r")
        assert chat.exit_code() == 0


# --- completion and manual page ---------------------------------------------------------------


def test_bash_completes_commands_and_options(tmp_path):
    script = tmp_path / "pensieve.bash"
    script.write_text(good(tmp_path, "completion", "bash"))

    def completed(*words):
        done = subprocess.run(["bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pensieve; printf "%s\\n" "${COMPREPLY[@]}"',
                               "bash", str(script), *words], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("pensieve", "st") == ["start", "stop", "status"]
    assert completed("pensieve", "config", "s") == ["set"]
    assert "--server.port" in completed("pensieve", "serve", "--server.p")
    assert completed("pensieve", "doctor", "--de") == ["--deep"]
    assert set(COMMANDS) <= set(completed("pensieve", "")) and "worker" not in completed("pensieve", "")


@pytest.mark.parametrize("shell, check", [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_other_shells_read_their_script(tmp_path, shell, check):
    script = tmp_path / f"pensieve.{shell}"
    script.write_text(good(tmp_path, "completion", shell))
    assert "pensieve" in script.read_text()
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed; the script's text is tested in cli_tests")
    subprocess.run([*check, str(script)], check=True)


def test_the_manual_page_names_every_command(tmp_path):
    page = good(tmp_path, "man")
    assert page.startswith(".TH PENSIEVE 1")
    for name in COMMANDS:
        assert f".SS pensieve {name}\n" in page
    if shutil.which("groff"):
        warnings = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True).stderr
        assert not warnings
