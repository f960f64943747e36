"""Starts the real binary with the real starter model in a fresh PENSIEVE_HOME."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

BINARY = os.environ["PENSIEVE_BINARY"]
MODELS = Path(os.environ["PENSIEVE_TEST_MODELS"])
STARTER = "SmolLM2-135M-Instruct.Q4_1.gguf"
STARTER_ID = "smollm2-135m-instruct-q4_1"


def wait_until(condition, seconds=30.0, what="the condition"):
    """Polls until `condition()` gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if value := condition():
                return value
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        time.sleep(0.02)  # between two looks


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


class Server:
    def __init__(self, home: Path, **settings):
        self.home = home
        (home / "models").mkdir(parents=True, exist_ok=True)
        if not (home / "models" / STARTER).exists():
            shutil.copy(MODELS / STARTER, home / "models" / STARTER)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.headers = {"x-api-key": settings["server.api_keys"]} if "server.api_keys" in settings else {}
        self.url = f"http://127.0.0.1:{self.port}"
        flags = [f"--{key}={value}" for key, value in {"server.port": self.port, **settings}.items()]
        self.log = open(home / "log", "w+")
        environment = {**os.environ, "PENSIEVE_HOME": str(home)}
        self.process = subprocess.Popen([BINARY, "serve", *flags], stderr=self.log, env=environment)
        try:
            wait_until(lambda: self.health()["model_state"] in ("ready", "failed"), 60, "a loaded model")
        except AssertionError:
            self.log.seek(0)
            print(self.log.read())
            raise

    def health(self) -> dict:
        assert self.process.poll() is None, "the server ended"
        return httpx.get(f"{self.url}/health").json()

    def status(self) -> dict:
        return httpx.get(f"{self.url}/pensieve/v1/status", headers=self.headers).json()

    def worker(self) -> int:
        models = {model["id"]: model for model in self.status()["models"]}
        return models[STARTER_ID]["worker_pid"]

    def stop(self) -> None:
        workers = children(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        assert not [pid for pid in workers if alive(pid)], "workers outlived the server"
        self.log.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def keyed_server(tmp_path_factory):
    """Answers only to the key "secret"."""
    running = Server(tmp_path_factory.mktemp("keyed"), **{"server.api_keys": "secret"})
    yield running
    running.stop()


@pytest.fixture
def make_server(tmp_path):
    running = []

    def make(**settings):
        running.append(Server(tmp_path, **{key.replace("__", "."): value for key, value in settings.items()}))
        return running[-1]

    yield make
    for one in running:
        if one.process.poll() is None:
            one.stop()
