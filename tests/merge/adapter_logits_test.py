"""An adapter changes the logits as W + scale x alpha / rank x B A does, computed here.

adapter_logits_test.py LOGITS: unittest over tiny models.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from small_models import HIDDEN, WIDTH, llama_tensors, write_adapter, write_llama

LOGITS = sys.argv.pop(1)
RANK = 4


class AdapterLogits(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.random = np.random.default_rng(11)
        self.tensors = llama_tensors(self.random)

    def matrix(self, *shape):
        return self.random.standard_normal(shape) * 0.3

    def write(self, name, tensors, **more):
        return write_llama(self.folder / name, tensors, **more)

    def logits(self, model, adapter="-", scale=1.0, experts=0):
        done = subprocess.run([LOGITS, str(model), str(adapter), str(scale), "5", "9", "3", "17", "30", "4"], capture_output=True, text=True,
                              env={**os.environ, "EXPERTS_USED": str(experts)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.array([[float(value) for value in line.split()] for line in done.stdout.splitlines()])

    def test_the_change_is_the_one_that_is_defined(self):
        base = self.write("base.gguf", self.tensors)
        plain = self.logits(base)
        for alpha, scale in ((8.0, 0.5), (0.0, 0.3), (16.0, -0.25)):
            pairs = {}
            for name, array in self.tensors.items():
                if array.ndim == 2 and name.startswith("blk."):
                    pairs[name] = (self.matrix(RANK, array.shape[1]), self.matrix(array.shape[0], RANK))
            adapter = self.folder / "adapter.gguf"
            write_adapter(adapter, pairs, alpha=alpha)
            effective = scale * alpha / RANK if alpha else scale
            folded = {name: array + (effective * pairs[name][1] @ pairs[name][0] if name in pairs else 0) for name, array in self.tensors.items()}
            wanted = self.logits(self.write("folded.gguf", folded))
            got = self.logits(base, adapter, scale)
            self.assertGreater(np.abs(wanted - plain).max(), 0.1, "the adapter changes nothing")
            np.testing.assert_allclose(got, wanted, atol=2e-4 * np.abs(wanted).max())

    def test_scale_zero_is_the_model_itself(self):
        base, adapter = self.write("base.gguf", self.tensors), self.folder / "adapter.gguf"
        write_adapter(adapter, {"blk.0.attn_q.weight": (self.matrix(RANK, WIDTH), self.matrix(WIDTH, RANK))})
        np.testing.assert_array_equal(self.logits(base, adapter, 0), self.logits(base))

    def test_another_number_of_experts_is_that_of_a_file_that_says_so(self):
        mixture = {name: array for name, array in self.tensors.items() if "ffn_" not in name or "norm" in name}
        for layer in range(2):
            mixture[f"blk.{layer}.ffn_gate_inp.weight"] = self.matrix(4, WIDTH)
            for part, shape in {"ffn_gate_exps": (4, HIDDEN, WIDTH), "ffn_up_exps": (4, HIDDEN, WIDTH), "ffn_down_exps": (4, WIDTH, HIDDEN)}.items():
                mixture[f"blk.{layer}.{part}.weight"] = self.matrix(*shape)
        two, four = (self.write(f"{used}.gguf", mixture, expert_count=4, expert_used_count=used) for used in (2, 4))
        self.assertGreater(np.abs(self.logits(two) - self.logits(four)).max(), 0.01)
        np.testing.assert_array_equal(self.logits(two, experts=4), self.logits(four))


if __name__ == "__main__":
    unittest.main()
