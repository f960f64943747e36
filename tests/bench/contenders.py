"""What is compared: Pensieve, llama-server and llama-bench on the same file, threads and context."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from http_stream import Answer, stream_all


@dataclass(frozen=True)
class Settings:
    model: Path
    threads: int  # 0: each contender its own default
    context: int
    streams: int  # most requests at once
    binary: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process with the model loaded; `stop` ends it."""

    name = ""
    extra: dict = {}  # further fields of its requests

    def __init__(self, command: list[str], log: Path, environment: dict | None = None):
        self._log = log.open("w")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
        deadline = time.monotonic() + 300
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def _healthy(self, is_ready) -> bool:
        try:
            return is_ready(json.loads(self._get("/health")))
        except (OSError, ValueError):
            return False

    def complete(self, prompts: list[str], tokens: int) -> list[Answer]:
        """Streams greedy completions of all prompts at once. Error: one has not exactly `tokens` tokens."""
        common = {"model": "auto", "max_tokens": tokens, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}
        answers = stream_all(self.port, "/v1/completions", [{**common, **self.extra, "prompt": prompt} for prompt in prompts])
        for answer in answers:
            if answer.tokens != tokens:
                raise RuntimeError(f"{self.name} ended after {answer.tokens} of {tokens} tokens ({answer.finish}): {answer.text!r}")
        return answers

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()


class Pensieve(Server):
    name = "Pensieve"

    def __init__(self, settings: Settings, folder: Path, **further: str):
        """`further`: more settings, by key with _ for its dots."""
        self.port = free_port()
        flags = {
            "server.port": self.port,
            "models.paths": settings.model,
            "engine.threads": settings.threads,
            "engine.context_tokens": settings.context,
            "engine.parallel": settings.streams,
            **{key.replace("_", ".", 1): value for key, value in further.items()},
        }
        folder.mkdir(exist_ok=True)
        command = [str(settings.binary), "serve", *(f"--{key}={value}" for key, value in flags.items())]
        super().__init__(command, folder / "pensieve.log", {"PENSIEVE_HOME": str(folder / "home")})

    def _ready(self) -> bool:
        return self._healthy(lambda health: health["model_state"] == "ready")

    def engine_seconds(self) -> dict[str, float]:
        """Sums of the engine's own times since the start, by phase."""
        return {phase: float(value) for phase, value in re.findall(r'pensieve_engine_seconds_sum\{.*phase="(\w+)"\} (\S+)', self._get("/metrics"))}


class LlamaServer(Server):
    name = "llama-server"
    extra = {"ignore_eos": True}

    def __init__(self, settings: Settings, folder: Path, *further: str):
        """`further`: more of its options."""
        self.port = free_port()
        command = ["llama-server", "--model", str(settings.model), "--host", "127.0.0.1", "--port", str(self.port), "--offline"]
        command += ["--ctx-size", str(settings.context), "--parallel", str(settings.streams), *further]
        if settings.threads:
            command += ["--threads", str(settings.threads), "--threads-batch", str(settings.threads)]
        super().__init__(command, folder / "llama-server.log")

    def _ready(self) -> bool:
        return self._healthy(lambda health: health["status"] == "ok")


def llama_bench_tps(settings: Settings, tokens: int, depth: int) -> float:
    """Decode speed of libllama alone: `tokens` behind `depth` others."""
    command = ["llama-bench", "-m", str(settings.model), "-t", str(settings.threads), "-p", "0", "-n", str(tokens), "-d", str(depth),
               "-r", "2", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"llama-bench failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)[0]["avg_ts"]
