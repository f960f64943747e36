"""The starter model in further quantizations, as models of their own, and the memory of a process tree."""
import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

from conftest import MODELS, STARTER, children


def variant_id(kind: str) -> str:
    return f"smollm2-135m-instruct-{kind.lower()}"


def make_variant(folder: Path, kind: str) -> Path:
    """The starter model as `kind` (Q8_0, ...); "Twin" is the file itself under another name."""
    file = folder / f"SmolLM2-135M-Instruct.{kind}.gguf"
    if file.exists():
        return file
    part = file.with_suffix(".part")
    if kind == "Twin":
        shutil.copy(MODELS / STARTER, part)
    else:
        subprocess.run(["llama-quantize", "--allow-requantize", MODELS / STARTER, part, kind, "2"], check=True, capture_output=True)
    part.rename(file)
    return file


def place_variants(home: Path, made: Path, kinds: list[str]) -> None:
    (home / "models").mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        os.link(make_variant(made, kind), home / "models" / f"SmolLM2-135M-Instruct.{kind}.gguf")


def tree_of(pid: int) -> list[int]:
    return [pid, *(grandchild for child in children(pid) for grandchild in tree_of(child))]


def proportional_bytes(pid: int) -> int:
    """Memory of a process, pages that it shares divided among those that share them."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


class MemoryWatch:
    """Measures the memory of a process and all below it while the `with` block runs."""

    def __init__(self, pid: int, interval: float = 0.05):
        self.pid, self.interval = pid, interval
        self.samples: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.wait(self.interval):
            self.samples.append(sum(proportional_bytes(pid) for pid in tree_of(self.pid)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    @property
    def most(self) -> int:
        return max(self.samples)


