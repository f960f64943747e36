#!/usr/bin/env python3
"""Type-checks the sources that macOS builds against macOS's own headers, on any system.

usage: check_macos.py [SOURCE...]
Zig's C++ compiler brings the headers of macOS and libc++; those of the libraries are the toolchain's. They are linked
into a folder of their own, so that no header of Linux's C library is in reach. Nothing is linked or run; all sources take some ten minutes on two cores.
"""
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build" / "release"
OVERLAY = CHECKOUT / "build" / "macos-headers"
OBJECTS = CHECKOUT / "build" / "macos-objects"
INCLUDE = Path("/usr/include")
LIBRARIES = ["boost", "glaze", "CLI", "toml++", "spdlog", "fmt", "nlohmann", "minja", "prometheus", "gtest", "gmock", "benchmark", "ftxui", "SQLiteCpp"]
LIBRARIES += ["sqlite3.h", "histedit.h", "editline", "zstd.h", "zlib.h", "zconf.h"]


def make_overlay() -> None:
    """Links the libraries' headers; what Debian keeps by architecture (curl, openssl's configuration) is joined."""
    shutil.rmtree(OVERLAY, ignore_errors=True)
    OVERLAY.mkdir(parents=True)
    by_architecture = [folder for folder in INCLUDE.glob("*-linux-gnu") if folder.is_dir()]
    names = LIBRARIES + [path.name for pattern in ("llama*.h", "ggml*.h", "gguf.h", "mtmd*.h") for path in INCLUDE.glob(pattern)]
    for name in names:
        if (INCLUDE / name).exists():
            (OVERLAY / name).symlink_to(INCLUDE / name)
    for name in ("curl", "openssl"):
        (OVERLAY / name).mkdir()
        for folder in [INCLUDE, *by_architecture]:
            for header in (folder / name).glob("*.h"):
                target = OVERLAY / name / header.name
                if not target.exists():
                    target.symlink_to(header)


def definitions() -> dict[str, list[str]]:
    """source -> its -D options in the release build."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    return {one["file"]: [word for word in one["command"].split() if word.startswith("-D")] for one in commands}


def sources(known: dict[str, list[str]]) -> list[Path]:
    mac = [path for path in CHECKOUT.glob("src/**/mac/*.cc") if not path.name.endswith("_test.cc")]
    built = [Path(name) for name in known if "/linux/" not in name and not name.endswith(("_test.cc", "_bench.cc"))]
    return sorted(path for path in [*built, *mac] if CHECKOUT in path.parents)


def check(source: Path, options: list[str]) -> tuple[Path, str]:
    command = [sys.executable, "-m", "ziglang", "c++", "-target", "aarch64-macos", "-std=c++23", "-c", "-w"]
    # -fsyntax-only leaves no object file, which this compiler takes for a failure.
    command += ["-o", str(OBJECTS / (str(source.relative_to(CHECKOUT)).replace("/", "_") + ".o"))]
    command += [*options, f"-I{CHECKOUT / 'src'}", f"-I{source.parent}", "-isystem", str(OVERLAY), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    return source, "" if done.returncode == 0 else done.stderr or "the compiler failed"


def main() -> None:
    make_overlay()
    OBJECTS.mkdir(exist_ok=True)
    known = definitions()
    wanted = [Path(name).resolve() for name in sys.argv[1:]] or sources(known)
    common = sorted({option for options in known.values() for option in options if '"' not in option})
    with ThreadPoolExecutor(cpu_count()) as workers:
        results = list(workers.map(lambda source: check(source, known.get(str(source), common)), wanted))
    failures = [(source, errors) for source, errors in results if errors]
    for source, errors in failures:
        print(f"{source.relative_to(CHECKOUT)}:\n{errors[:3000]}\n", file=sys.stderr)
    print(f"{len(wanted) - len(failures)} of {len(wanted)} sources type-check against macOS headers")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
