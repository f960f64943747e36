"""Eight streams over three sets of adapters at once: each is what it is alone, but for rounding.

adapter_streams_test.py ADAPTER_STREAMS PENSIEVE: unittest. Rows of logits, every one that a token was chosen from, are held against
the same tokens computed alone: of a tiny model by copies that have the adapters folded in here, of the starter model by itself. In F32
and F16 what is left is far below what another set would make. With quantized weights the activations are rounded to eight bits, so that
a batch, which adds up in another order, moves logits by about one; streams without an adapter show how far, and a choice may only be
another one where both tokens are as near as that.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from small_models import llama_tensors, starter_adapter, write_adapter, write_llama

STREAMS, PENSIEVE = sys.argv.pop(1), sys.argv.pop(1)
STARTER = pathlib.Path(os.environ.get("PENSIEVE_TEST_MODELS", os.path.expanduser("~/.cache/pensieve/models"))) / "SmolLM2-135M-Instruct.Q4_1.gguf"
RANK = 4


class AdapterStreams(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.random = np.random.default_rng(23)

    def run_streams(self, base, prompts, tokens, *sets):
        (self.folder / "prompts").write_text("\n".join(prompts))
        done = subprocess.run([STREAMS, base, self.folder / "prompts", str(tokens), *sets], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        for stream in answer["streams"]:
            print(stream)
        print(f"a change of adapters costs {answer['change_ms']:.2f} ms")
        return answer["streams"]

    def check(self, streams, rounding, tokens):
        """`rounding`: the most that a logit may differ by; then a choice differs only between tokens within twice that."""
        self.assertEqual([stream["set"] for stream in streams], [0, 1, 2, 0, 1, 2, 0, 1])
        for stream in streams:
            self.assertGreaterEqual(stream["tokens"], tokens)
            self.assertLess(stream["rounding"], rounding)
            self.assertLessEqual(stream["widest_gap"], 2 * stream["rounding"])
            self.assertGreater(stream["other_set"], 10 * stream["rounding"], "no proof: another set gives nearly the same")

    def test_a_tiny_model_agrees_with_copies_that_have_the_adapters_folded_in(self):
        tensors = llama_tensors(self.random)
        base = write_llama(self.folder / "base.gguf", tensors)
        sets = []
        for number in range(2):
            pairs = {name: (0.3 * self.random.standard_normal((RANK, array.shape[1])), 0.3 * self.random.standard_normal((array.shape[0], RANK)))
                     for name, array in tensors.items() if array.ndim == 2 and name.startswith("blk.")}
            write_adapter(self.folder / f"{number}.gguf", pairs, alpha=2.0)
            folded = {name: array + (2.0 / RANK * pairs[name][1] @ pairs[name][0] if name in pairs else 0) for name, array in tensors.items()}
            sets += [self.folder / f"{number}.gguf", write_llama(self.folder / f"folded{number}.gguf", folded)]
        # A common beginning, which sets must not share, and an end of its own for each.
        common = [int(token) for token in self.random.integers(3, 32, 24)]
        prompts = [" ".join(map(str, [1, *common, 3 + number, 20 - number])) for number in range(8)]
        streams = self.run_streams(base, prompts, 24, "-", *sets)
        self.check(streams, rounding=0.05, tokens=1)
        self.assertGreater(sum(stream["tokens"] for stream in streams), 60)

    @unittest.skipUnless(STARTER.exists(), "the starter model is not there")
    def test_the_starter_model_agrees_with_itself_alone(self):
        sets = []
        for seed in (1, 2):
            sets += [starter_adapter(self.folder / f"{seed}.gguf", seed), "-"]
        prompts = [f"<|im_start|>user Write one sentence about the number {number}. <|im_end|> <|im_start|>assistant" for number in range(8)]

        subprocess.run([PENSIEVE, "merge", STARTER, "--type", "f16", "--out", self.folder / "f16.gguf"], check=True, capture_output=True)
        streams = self.run_streams(self.folder / "f16.gguf", prompts, 24, "-", *sets)
        self.check(streams, rounding=0.1, tokens=6)

        streams = self.run_streams(STARTER, prompts, 24, "-", *sets)
        plain = max(stream["rounding"] for stream in streams if stream["set"] == 0)
        for stream in streams:
            self.assertLess(stream["rounding"], max(2 * plain, 0.5))
            self.assertLess(stream["widest_gap"], max(plain / 2, 0.25))


if __name__ == "__main__":
    unittest.main()
