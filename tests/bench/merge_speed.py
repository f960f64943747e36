#!/usr/bin/env python3
"""Times `pensieve merge` against reading its inputs and writing its output, in turn.

merge_speed.py PENSIEVE [--megabytes N] [--rounds N] [--types f16,q8_0,q4_k_s] [--folder DIR]: two models of that size in F16 are
made up, and of each type. The other side of the ratio is `cat` of both inputs and `dd` of as many bytes as come out, synced as the
merge syncs them. Prints the share of that speed that the merge reaches, and its peak memory beside its bound of three times the
largest tensor in F32 and 100 MB.
"""
import argparse
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "merge"))
from small_models import T, np, write_model  # noqa: E402

ROWS, COLUMNS = 4096, 4096


def make_model(path, seed, megabytes):
    layers = max(1, round(megabytes * 1e6 / (2 * ROWS * COLUMNS)))
    random = np.random.default_rng(seed)
    values = (0.02 * random.standard_normal(2 * ROWS * COLUMNS, dtype=np.float32)).astype(np.float16)
    parts = (values[offset : offset + ROWS * COLUMNS].reshape(ROWS, COLUMNS) for offset in random.integers(0, ROWS * COLUMNS, layers))
    write_model(path, {f"blk.{layer}.w.weight": (part, T.F16) for layer, part in enumerate(parts)}, layers=layers)


def timed(command):
    """Seconds and peak resident bytes of a command."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return seconds, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pensieve")
    parser.add_argument("--megabytes", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--types", default="f16,q8_0,q4_k_s")
    parser.add_argument("--folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        for seed, model in enumerate("ab"):
            # A process of its own: what this one takes would count as the peak of those that it starts.
            maker = multiprocessing.Process(target=make_model, args=(folder / f"{model}.f16.gguf", seed, options.megabytes))
            maker.start()
            maker.join()
        for kind in options.types.split(","):
            a, b = (folder / f"{model}.{kind}.gguf" for model in "ab")
            for path in (a, b):
                if not path.exists():
                    subprocess.run([options.pensieve, "merge", folder / f"{path.stem[0]}.f16.gguf", "--type", kind, "--out", path], check=True,
                                   capture_output=True)
            out, copy = folder / "out.gguf", folder / "copy"
            merges, copies, shares, peak = [], [], [], 0
            for _ in range(options.rounds + 1):  # the first is a warm-up
                out.unlink(missing_ok=True)
                copy.unlink(missing_ok=True)
                seconds, memory = timed([options.pensieve, "merge", a, b, "--out", out])
                copying, _ = timed(["sh", "-c", f"cat '{a}' '{b}' >/dev/null && dd if='{a}' of='{copy}' bs=1M conv=fsync"])
                merges.append(seconds)
                copies.append(copying)
                shares.append(copying / seconds)
                peak = max(peak, memory)
            merges, copies, shares = merges[1:], copies[1:], shares[1:]
            bound = 3 * 4 * ROWS * COLUMNS + 100e6
            print(f"{kind}: {out.stat().st_size / 1e6:.0f} MB out; merge {statistics.median(merges):.2f} s, read and write "
                  f"{statistics.median(copies):.2f} s; share {statistics.median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%}); "
                  f"peak {peak / 1e6:.0f} MB of {bound / 1e6:.0f}", flush=True)


if __name__ == "__main__":
    main()
