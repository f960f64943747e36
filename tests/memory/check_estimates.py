#!/usr/bin/env python3
"""Compares predicted weights, caches and compute buffers with libllama's over many made-up shapes.

check_estimates.py MEMORY_CHECK [MODEL.gguf...]: weights and caches must agree to the byte, compute
buffers within 2 % (or 64 KiB, which is what the smallest inputs of a graph come to).
"""
import itertools
import os
import subprocess
import sys
import tempfile

from synthetic_models import (T, ds2, gemma3, gen, gptoss, granitehybrid, lfm2, llama, mamba1, mamba2, openelm, phi3, qwen35, starcoder2)

K, Q8, Q4, F = T.Q4_K, T.Q8_0, T.Q4_0, T.F16

# name -> (architecture, metadata, tensors), vocabulary
SHAPES = {
    "mha-7b": (llama(32, 4096, 32, 32, 11008, 32256), 32256),
    "mha-1-layer": (llama(1, 4096, 32, 32, 11008, 32256), 32256),
    "gqa-7b": (llama(32, 4096, 32, 8, 14336, 32000), 32000),
    "gqa-narrow": (llama(4, 1024, 16, 4, 1024, 32000), 32000),
    "gqa-70b": (llama(80, 8192, 64, 8, 28672, 32000), 32000),
    "mqa": (llama(6, 2048, 16, 1, 8192, 1000, q=Q8), 1000),
    "tied-q4_0": (llama(6, 1024, 8, 2, 2816, 5000, q=Q4, tied=True), 5000),
    "tied-f16": (llama(6, 1024, 8, 2, 2816, 5000, q=F, tied=True), 5000),
    "wide-vocabulary": (llama(2, 2048, 16, 8, 8192, 128256), 128256),
    "biases": (llama(4, 2048, 16, 2, 5632, 32000, arch="qwen2", bias=True, tied=True), 32000),
    "head-norms": (llama(4, 2048, 32, 8, 6144, 32000, arch="qwen3", qknorm=True, hd=128, tied=True), 32000),
    "head-of-its-own": (llama(4, 1024, 16, 8, 3072, 8000, arch="qwen3", qknorm=True, hd=128, q=Q8), 8000),
    "moe-8": (llama(4, 4096, 32, 8, 14336, 32000, nexp=8, nused=2), 32000),
    "moe-128": (llama(4, 2048, 32, 4, 6144, 32000, arch="qwen3moe", qknorm=True, hd=128, nexp=128, nused=8, ffexp=768), 32000),
    "moe-sliding": (gptoss(4, 2880, 64, 8, 2880, 8000, Q8, 64, 32, 4), 8000),
    "sliding-6": (gemma3(12, 1152, 4, 1, 6912, 20000, 256, Q8), 20000),
    "sliding-2": (gemma3(8, 2304, 8, 4, 9216, 20000, 256, Q8, "gemma2", 4096), 20000),
    "fused": (phi3(8, 3072, 32, 32, 8192, 32064, K), 32064),
    "latent": (ds2(4, 2048, 16, 10944, 32000, Q8, 1536, nexp=64, used=6, ffx=1408, shared=2), 32000),
    "latent-narrow": (ds2(3, 256, 4, 1024, 512, F, 128), 512),
    "mamba": (mamba1(8, 768, 4000, Q8, 1536, 16, 64), 4000),
    "mamba2": (mamba2(8, 1024, 4000, Q8, 2048, 128, 1, 32), 4000),
    "hybrid": (granitehybrid(10, 2048, 16, 4, 8192, 4000, Q8, 4096, 128, 1, 64, [5]), 4000),
    "hybrid-moe": (granitehybrid(10, 1536, 12, 4, 512, 4000, Q8, 3072, 128, 1, 48, [4, 9], (64, 6, 512, 1024)), 4000),
    "short-convolution": (lfm2(10, 1024, 16, 8, 4608, 4000, Q8, [2, 5, 8]), 4000),
    "delta-net": (qwen35(8, 1024, 8, 2, 3584, 4000, Q8, 256, 128, 16, 32), 4000),
    "no-gate": (starcoder2(4, 2048, 16, 2, 8192, 4000, Q8), 4000),
    "per-layer-arrays": (openelm(4, 1280, [12, 16, 16, 20], [3, 4, 4, 5], [768, 1792, 3584, 5120], 4000, Q8, 64), 4000),
}

# context, batch, sequences, outputs, cache, flash attention, unified
SETTINGS = [
    (4096, 512, 1, 1, "f16", 1, 1), (4096, 512, 8, 8, "f16", 1, 1), (4096, 512, 8, 8, "f16", 0, 1), (4096, 512, 8, 8, "f16", 1, 0),
    (4096, 512, 4, 4, "f16", 0, 0), (4096, 512, 1, 512, "q8_0", 1, 1), (4096, 128, 2, 2, "q8_0", 1, 1), (512, 256, 1, 1, "f16", 1, 1),
    (131072, 512, 1, 1, "q4_0", 1, 1), (32768, 512, 4, 4, "f16", 0, 1), (16384, 256, 16, 16, "f16", 1, 1), (1000, 512, 3, 3, "f16", 1, 1),
]


def check(program, path, name):
    """Number of settings that disagree, and the worst deviation of the compute buffer."""
    words = [str(word) for word in itertools.chain(*SETTINGS)]
    run = subprocess.run([program, path, *words], capture_output=True, text=True)
    if run.returncode != 0:
        print(f"  {name}: {run.stderr.strip()}")
        return len(SETTINGS), 0.0
    wrong, worst = 0, 0.0
    for setting, line in zip(SETTINGS, run.stdout.strip().splitlines()):
        weights, real_weights, cache, real_cache, compute, real_compute = map(int, line.split())
        deviation = (compute - real_compute) / max(real_compute, 1)
        if abs(deviation) > abs(worst):
            worst = deviation
        bad = weights != real_weights or cache != real_cache or (abs(deviation) > 0.02 and abs(compute - real_compute) > 65536)
        if bad:
            wrong += 1
            print(f"  {name} {setting}: weights {weights - real_weights:+d}, cache {cache - real_cache:+d}, compute {compute} for {real_compute} ({deviation:+.1%})")
    return wrong, worst


def main():
    program, files = sys.argv[1], sys.argv[2:]
    folder = os.environ.get("PENSIEVE_TEST_MODELS", os.path.expanduser("~/.cache/pensieve/models"))
    files += [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".gguf")] if os.path.isdir(folder) else []
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name, ((architecture, metadata, tensors), vocabulary) in SHAPES.items():
            path = os.path.join(temporary, name + ".gguf")
            gen(path, architecture, metadata, tensors, vocabulary)
            bad, worst = check(program, path, name)
            print(f"{'ok ' if bad == 0 else 'BAD'} {name}: {len(SETTINGS) - bad} of {len(SETTINGS)} settings agree, compute off by {worst:+.2%} at most")
            wrong += bad
            os.remove(path)
    for path in files:
        bad, worst = check(program, path, os.path.basename(path))
        print(f"{'ok ' if bad == 0 else 'BAD'} {os.path.basename(path)}: compute off by {worst:+.2%} at most")
        wrong += bad
    total = (len(SHAPES) + len(files)) * len(SETTINGS)
    print(f"{total - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
