"""`pensieve merge` against NumPy in float64, and against wrong, broken and interrupted inputs.

merge_test.py PENSIEVE: unittest over the real binary.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
from small_models import T, TOKENS, gguf, read_model, slerp, write_adapter, write_model

PENSIEVE = os.path.abspath(sys.argv.pop(1))


def half_step(values, kind):
    """Half the distance between neighbours of the type: the most that rounding may be off."""
    kinds = {T.F32: np.float32, T.F16: np.float16}
    if kind in kinds:
        return np.spacing(np.abs(values).astype(kinds[kind])).astype(np.float64) / 2
    blocks = np.abs(values).reshape(-1, 32).max(axis=1) / 127  # Q8_0's step, kept as a half
    steps = blocks / 2 + 127 * np.spacing(blocks.astype(np.float16)).astype(np.float64) / 2
    return np.repeat(steps, 32).reshape(values.shape)


class Merge(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.random = np.random.default_rng(7)

    def run_merge(self, *arguments, **options):
        environment = {**os.environ, "PENSIEVE_HOME": str(self.folder / "home")}
        return subprocess.run([PENSIEVE, "merge", *map(str, arguments)], capture_output=True, text=True, env=environment,
                              timeout=120, **options)

    def start(self, *arguments):
        environment = {**os.environ, "PENSIEVE_HOME": str(self.folder / "home")}
        return subprocess.Popen([PENSIEVE, "merge", *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=environment)

    def merge(self, *arguments):
        """A merge that must work; the tensors of its result."""
        out = self.folder / "out.gguf"
        done = self.run_merge(*arguments, "--out", out, "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([path.name for path in self.folder.glob("out.gguf*")], ["out.gguf"])
        return read_model(out)[0]

    def refuse(self, words, *arguments, code=1):
        """A merge that must fail with these words, leaving nothing under the output's name."""
        out = self.folder / "refused.gguf"
        done = self.run_merge(*arguments, "--out", out)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertTrue(done.stderr.splitlines()[-1].startswith("error: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(out.exists())
        return done

    def array(self, *shape):
        return self.random.standard_normal(shape) * 10.0 ** self.random.integers(-3, 2)

    def pair(self, kind=T.F32, **options):
        """Two models with a few tensors of that type."""
        shapes = {"token_embd.weight": (32, 256), "blk.0.attn_q.weight": (64, 256), "blk.1.ffn_up.weight": (128, 256),
                  "output_norm.weight": (256,)}
        paths = self.folder / "a.gguf", self.folder / "b.gguf"
        for path in paths:
            write_model(path, {name: (self.array(*shape), T.F32 if len(shape) == 1 else kind) for name, shape in shapes.items()},
                        name=path.stem, **options)
        return paths


class Numbers(Merge):
    def test_two_hundred_random_pairs_come_out_as_in_numpy(self):
        cases = 0
        for kind, t in ((T.F32, 0.3), (T.F16, 0.5), (T.Q8_0, 0.81), (T.F32, 0.999), (T.F16, 0.02)):
            a, b = {}, {}
            for index in range(44):
                shape = (int(self.random.integers(1, 40)), 32 * int(self.random.integers(1, 30)))
                first = self.array(*shape)
                share = self.random.random() ** 4
                second = share * self.array(*shape) + (1 - share) * first * self.random.choice([1, -1, 0.5])
                a[f"blk.{index}.w.weight"], b[f"blk.{index}.w.weight"] = (first, kind), (second, kind)
            write_model(self.folder / "a.gguf", a, layers=44)
            write_model(self.folder / "b.gguf", b, layers=44)
            merged = self.merge(self.folder / "a.gguf", self.folder / "b.gguf", "--t", t)
            left, right = read_model(self.folder / "a.gguf")[0], read_model(self.folder / "b.gguf")[0]
            for name, (values, _, type_) in merged.items():
                wanted = slerp(left[name][0], right[name][0], t)
                self.assertEqual(type_, kind)
                # Where the terms cancel, float64 itself differs in its last digits.
                own = 1e-12 * max(np.abs(left[name][0]).max(), np.abs(right[name][0]).max())
                self.assertTrue(np.all(np.abs(values - wanted) <= half_step(wanted, kind) * (1 + 1e-3) + own), f"{name} {kind} {t}")
                cases += 1
        self.assertGreaterEqual(cases, 200)

    def test_q4_k_is_as_near_as_the_type_allows(self):
        a, b = self.pair()
        for path in (a, b):
            done = self.run_merge(path, "--type", "q4_k_s", "--out", path.with_suffix(".q4.gguf"))
            self.assertEqual(done.returncode, 0, done.stderr)
        a, b = a.with_suffix(".q4.gguf"), b.with_suffix(".q4.gguf")
        merged, left, right = self.merge(a, b, "--t", 0.4), read_model(a)[0], read_model(b)[0]
        for name, (values, _, kind) in merged.items():
            wanted = slerp(left[name][0], right[name][0], 0.4)
            # 16 steps a block of 32, of whose scales and minima 64 steps are kept.
            block = np.ptp(np.append(wanted.reshape(-1, 32), np.zeros((wanted.size // 32, 1)), axis=1), axis=1).max()
            self.assertEqual(kind, T.F32 if values.ndim == 1 else T.Q4_K)
            self.assertLess(np.abs(values - wanted).max(), block / 15 / 2 + block / 64 * 1.5, name)
            self.assertLess(np.sqrt(np.mean((values - wanted) ** 2)), 0.09 * np.sqrt(np.mean(wanted**2)), name)

    def test_the_ends_are_the_inputs_bit_for_bit(self):
        for kind in (T.F32, T.F16, T.Q8_0):
            a, b = self.pair(kind)
            for t, source in ((0, a), (1, b)):
                merged, wanted = self.merge(a, b, "--t", t), read_model(source)[0]
                for name, (_, raw, _) in wanted.items():
                    self.assertEqual(merged[name][1], raw)

    def test_a_model_with_itself_is_itself(self):
        a, _ = self.pair(T.Q8_0)
        merged, wanted = self.merge(a, a), read_model(a)[0]
        for name, (_, raw, _) in wanted.items():
            self.assertEqual(merged[name][1], raw)

    def test_colinear_zero_and_opposite_tensors(self):
        base = self.array(16, 64)
        tensors = {"blk.0.same.weight": (base, 3 * base), "blk.0.zero.weight": (base, 0 * base), "blk.0.both.weight": (0 * base, 0 * base),
                   "blk.0.opposite.weight": (base, -base), "blk.0.tiny.weight": (base * 1e-12, base), "blk.0.near.weight": (base, base + 1e-4)}
        write_model(self.folder / "a.gguf", {name: (pair[0], T.F32) for name, pair in tensors.items()})
        write_model(self.folder / "b.gguf", {name: (pair[1], T.F32) for name, pair in tensors.items()})
        for t in (0.25, 0.5):
            merged = self.merge(self.folder / "a.gguf", self.folder / "b.gguf", "--t", t)
            left, right = read_model(self.folder / "a.gguf")[0], read_model(self.folder / "b.gguf")[0]
            for name, (values, _, _) in merged.items():
                wanted = slerp(left[name][0], right[name][0], t)
                np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-30, err_msg=name)

    def test_curve_and_filters_choose_t_by_layer_and_name(self):
        names = [f"blk.{layer}.{part}.weight" for layer in range(5) for part in ("attn_q", "ffn_up")] + ["output.weight"]
        for path in ("a.gguf", "b.gguf"):
            write_model(self.folder / path, {name: (self.array(8, 64), T.F32) for name in names}, layers=5)
        recipe = self.folder / "recipe.toml"
        recipe.write_text('t = [0.0, 1.0]\n[[filter]]\ntensor = "ffn_*.weight"\nt = 0.9\n[[filter]]\ntensor = "*.ffn_*"\nt = 0.25\n')
        merged = self.merge(self.folder / "a.gguf", self.folder / "b.gguf", "--recipe", recipe)
        left, right = read_model(self.folder / "a.gguf")[0], read_model(self.folder / "b.gguf")[0]
        for name, (values, _, _) in merged.items():
            t = 1.0 if name == "output.weight" else 0.25 if "ffn" in name else int(name.split(".")[1]) / 4
            np.testing.assert_allclose(values, slerp(left[name][0], right[name][0], t), rtol=1e-6, atol=1e-9, err_msg=name)

    def test_linear_and_task_arithmetic(self):
        a, b = self.pair()
        base = self.folder / "base.gguf"
        shutil.copy(a, base)
        write_model(a, {name: (values + 0.1 * self.array(*values.shape), kind) for name, (values, _, kind) in read_model(base)[0].items()})
        x, y, z = read_model(a)[0], read_model(b)[0], read_model(base)[0]
        linear = self.merge(a, b, "--method", "linear", "--t", 0.25)
        weighted = self.merge(a, b, base, "--method", "linear", "--weights", "1,2,1")
        tasks = self.merge(a, b, "--method", "task-arithmetic", "--base", base, "--weights", "0.7,-0.2")
        for name in x:
            p, q, r = x[name][0], y[name][0], z[name][0]
            np.testing.assert_allclose(linear[name][0], 0.75 * p + 0.25 * q, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(weighted[name][0], (p + 2 * q + r) / 4, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(tasks[name][0], r + 0.7 * (p - r) - 0.2 * (q - r), rtol=1e-5, atol=1e-8)

    def test_an_adapter_is_folded_in(self):
        a, _ = self.pair()
        pairs = {"blk.0.attn_q.weight": (self.array(4, 256), self.array(64, 4)), "token_embd.weight": (self.array(32, 4), self.array(256, 4))}
        write_adapter(self.folder / "lora.gguf", pairs, alpha=8)
        merged, before = self.merge(a, "--lora", f"{self.folder}/lora.gguf=0.5"), read_model(a)[0]
        down, up = (x.astype(np.float32).astype(np.float64) for x in pairs["blk.0.attn_q.weight"])
        table, width = (x.astype(np.float32).astype(np.float64) for x in pairs["token_embd.weight"])
        wanted = {"blk.0.attn_q.weight": up @ down, "token_embd.weight": table @ width.T}
        for name, (values, _, _) in merged.items():
            np.testing.assert_allclose(values, before[name][0] + 0.5 * 8 / 4 * wanted.get(name, 0), rtol=2e-6, atol=1e-7, err_msg=name)

    def test_the_result_tells_where_it_comes_from(self):
        a, b = self.pair(texts={"general.license": "mit", "tokenizer.chat_template": "{{ messages }}"})
        self.merge(a, b, "--t", 0.25, "--type", "f16")
        fields = read_model(self.folder / "out.gguf")[1]
        told = {key: field.contents() for key, field in fields.items() if not key.startswith("GGUF")}
        self.assertEqual(told["general.name"], "a + b")
        self.assertEqual(told["general.base_model.count"], 2)
        self.assertEqual(told["general.base_model.1.name"], "b")
        self.assertEqual(told["pensieve.merge.method"], "slerp")
        self.assertEqual(told["pensieve.merge.t"], "0.25")
        self.assertEqual(told["pensieve.merge.parents"], ["a", "b"])
        self.assertEqual(told["general.file_type"], 1)
        self.assertEqual(told["general.license"], "mit")
        self.assertEqual(told["tokenizer.ggml.tokens"], TOKENS)
        self.assertEqual(told["tokenizer.chat_template"], "{{ messages }}")

    @unittest.skipUnless(pathlib.Path("/proc/self/status").exists(), "the system does not tell a process's peak")
    def test_memory_stays_within_its_bound(self):
        rows = 60_000
        for path in ("a.gguf", "b.gguf"):
            write_model(self.folder / path, {"token_embd.weight": (self.random.standard_normal((rows, 1024)), T.F16)})
        plan = json.loads(self.run_merge(self.folder / "a.gguf", self.folder / "b.gguf", "--out", self.folder / "m.gguf", "--dry-run",
                                         "--json").stdout)
        self.assertEqual(plan["largest_tensor_bytes"], rows * 1024 * 4)
        process = self.start(self.folder / "a.gguf", self.folder / "b.gguf", "--out", self.folder / "m.gguf")
        peak = 0  # as the process itself has it: what getrusage tells counts this one's memory before exec, too
        while process.poll() is None:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            told = re.search(r"VmHWM:\s+(\d+)", status)
            if told and os.path.realpath(f"/proc/{process.pid}/exe") == os.path.realpath(PENSIEVE):
                peak = max(peak, int(told[1]) * 1024)
            time.sleep(0.002)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertGreater(peak, 0)
        self.assertLess(peak, 3 * plan["largest_tensor_bytes"] + 100e6)
        self.assertLess(plan["memory_bytes"], 100e6)


class WrongInputs(Merge):
    def test_what_differs_is_named(self):
        a, b = self.pair()
        tensors = {name: (values, kind) for name, (values, _, kind) in read_model(b)[0].items()}
        other = self.folder / "other.gguf"
        write_model(other, tensors, architecture="qwen2")
        self.refuse(["architecture is llama in 'a.gguf' and qwen2 in 'other.gguf'"], a, other)
        write_model(other, tensors, numbers={"attention.head_count": 8})
        self.refuse(["llama.attention.head_count is 4", "8 in 'other.gguf'"], a, other)
        write_model(other, tensors, tokens=TOKENS[:-1] + ["other"])
        self.refuse(["token 31 is 't28' in 'a.gguf' and 'other'"], a, other)
        write_model(other, tensors, tokens=TOKENS[:-1])
        self.refuse(["token 31 is 't28' in 'a.gguf' and missing"], a, other)
        write_model(other, tensors, merges=["a b"])
        self.refuse(["tokenizer.ggml.merges"], a, other)
        write_model(other, {**tensors, "output_norm.weight": (self.array(128), T.F32)})
        self.refuse(["shape of output_norm.weight is 256 in 'a.gguf' and 128"], a, other)
        write_model(other, {**tensors, "output.weight": (self.array(32, 256), T.F32)})
        self.refuse(["tensor output.weight is missing in 'a.gguf' and there"], a, other)

    def test_files_that_are_no_sound_model(self):
        a, b = self.pair()
        cut = self.folder / "cut.gguf"
        cut.write_bytes(b.read_bytes()[:-5000])
        self.refuse(["cut.gguf", "cut off"], a, cut)
        cut.write_bytes(b.read_bytes()[:300])
        self.refuse(["cut.gguf"], a, cut)
        self.refuse(["nowhere.gguf"], a, self.folder / "nowhere.gguf")
        spoilt = {name: (values.copy(), kind) for name, (values, _, kind) in read_model(b)[0].items()}
        for bad in (np.nan, np.inf):
            spoilt["blk.1.ffn_up.weight"][0][77, 7] = bad
            write_model(cut, spoilt)
            for method in ("slerp", "linear"):
                self.refuse(["blk.1.ffn_up.weight", "cut.gguf", "NaN or infinity"], a, cut, "--method", method)
        self.assertEqual(list(self.folder.glob("refused*")), [])

    def test_an_adapter_for_another_model(self):
        a, _ = self.pair()
        lora = self.folder / "lora.gguf"
        write_adapter(lora, {"blk.0.attn_q.weight": (self.array(4, 128), self.array(64, 4))})
        self.refuse(["blk.0.attn_q.weight", "128 x 4", "256 x 64"], a, "--lora", lora)
        whole = lora.read_bytes()
        lora.write_bytes(whole[: len(whole) - 100])
        self.refuse(["lora.gguf", "cut off"], a, "--lora", lora)
        write_adapter(lora, {"blk.7.attn_q.weight": (self.array(4, 256), self.array(64, 4))})
        self.refuse(["blk.7.attn_q.weight", "does not have"], a, "--lora", lora)
        write_adapter(lora, {"blk.0.attn_q.weight": (self.array(4, 256), self.array(64, 4))}, architecture="gemma3")
        self.refuse(["gemma3", "llama"], a, "--lora", lora)
        self.refuse(["not an adapter"], a, "--lora", a)
        self.refuse(["not a language model of its own (adapter)"], a, lora)
        write_adapter(lora, {"blk.0.attn_q.weight": (self.array(4, 256), self.array(64, 4))}, others={"output_norm.weight": self.array(256)})
        done = self.run_merge(a, "--lora", lora, "--out", self.folder / "m.gguf")
        self.assertEqual(done.returncode, 0)
        self.assertIn("1 tensors of 'lora.gguf' are no factors of LoRA and are left out (output_norm.weight)", done.stderr)

    def test_arguments_that_make_no_merge(self):
        a, b = self.pair()
        self.refuse(["t = '1.5' is not a number from 0 to 1"], a, b, "--t", 1.5)
        self.refuse(["one model alone"], a)
        done = self.run_merge(a, b, "--out", self.folder / "nowhere" / "out.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no folder", done.stderr)
        self.refuse(["slerp merges two models, not 3"], a, b, a)
        self.refuse(["1 weights for 2 models"], a, b, "--method", "linear", "--weights", 1)
        self.refuse(["needs the base model"], a, b, "--method", "task-arithmetic")
        self.refuse(["unknown method 'magic'"], a, b, "--method", "magic")
        self.refuse(["unknown output type 'q99'", "q4_k_m"], a, b, "--type", "q99")
        (self.folder / "r.toml").write_text("tt = 1\n")
        self.refuse(["r.toml, line 1", "unknown key 'tt'"], a, b, "--recipe", self.folder / "r.toml")

    def test_a_value_that_its_type_can_not_hold(self):
        a, b = self.pair(T.F16)
        large = {name: (values.copy(), T.F32) for name, (values, _, _) in read_model(b)[0].items()}
        large["blk.0.attn_q.weight"][0][0, 0] = 1e7
        write_model(b, large)
        self.refuse(["blk.0.attn_q.weight", "F16 can't hold", "bf16"], a, b, "--method", "linear")

    def test_what_exists_is_kept_unless_forced(self):
        a, b = self.pair()
        out = self.folder / "out.gguf"
        out.write_text("mine")
        done = self.run_merge(a, b, "--out", out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("exists; add --force", done.stderr)
        self.assertEqual(out.read_text(), "mine")
        done = self.run_merge(a, b, "--out", a, "--force")
        self.assertIn("is an input too", done.stderr)
        self.merge(a, b)


class Interruptions(Merge):
    def big_pair(self):
        for path in ("a.gguf", "b.gguf"):
            write_model(self.folder / path, {f"blk.{i}.w.weight": (self.random.standard_normal((512, 4096)), T.F16) for i in range(12)},
                        layers=12)
        return self.folder / "a.gguf", self.folder / "b.gguf"

    def test_a_killed_merge_leaves_nothing_under_the_name_and_goes_on(self):
        a, b = self.big_pair()
        wanted = self.merge(a, b, "--type", "q4_k_m")
        out = self.folder / "killed.gguf"
        process = self.start(a, b, "--out", out, "--type", "q4_k_m")
        part = self.folder / "killed.gguf.merge-part"
        while not part.exists():
            self.assertIsNone(process.poll(), "it ended before it could be killed")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertFalse(out.exists())
        done = self.run_merge(a, b, "--out", out, "--type", "q4_k_m")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({name: raw for name, (_, raw, _) in read_model(out)[0].items()}, {name: raw for name, (_, raw, _) in wanted.items()})
        self.assertFalse(part.exists())

    def test_what_was_finished_before_a_kill_is_not_made_again(self):
        for path in ("a.gguf", "b.gguf"):
            values = self.random.standard_normal((2048, 2048)).astype(np.float16)
            write_model(self.folder / path, {f"blk.{i}.w.weight": (values, T.F16) for i in range(30)}, layers=30)
        a, b, out = self.folder / "a.gguf", self.folder / "b.gguf", self.folder / "out.gguf"
        arguments = (a, b, "--type", "q4_k_m", "--threads", 1)  # slow enough to be caught in the middle
        process = self.start(*arguments, "--out", out)
        state, tensors = self.folder / "out.gguf.merge-state", 0
        while process.poll() is None and not state.exists():
            time.sleep(0.01)
        self.assertIsNone(process.poll(), "it ended before it could be killed")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        tensors = int(state.read_text().split()[2])
        self.assertGreater(tensors, 0)
        self.assertFalse(out.exists())
        done = self.run_merge(*arguments, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"({tensors} tensors were there from before)", done.stdout)
        resumed = {name: raw for name, (_, raw, _) in read_model(out)[0].items()}
        wanted = {name: raw for name, (_, raw, _) in self.merge(*arguments).items()}
        self.assertEqual(resumed, wanted)

    def test_after_an_interruption_the_tensors_that_were_whole_are_not_made_again(self):
        for path in ("a.gguf", "b.gguf"):
            values = self.random.standard_normal((2048, 2048)).astype(np.float16)
            write_model(self.folder / path, {f"blk.{i}.w.weight": (values, T.F16) for i in range(12)}, layers=12)
        out, part = self.folder / "out.gguf", self.folder / "out.gguf.merge-part"
        arguments = (self.folder / "a.gguf", self.folder / "b.gguf", "--type", "q4_k_m", "--threads", 1, "--out", out)
        process = self.start(*arguments)
        while process.poll() is None and not (part.exists() and part.stat().st_blocks * 512 > 6_000_000):  # two tensors and a half
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
        self.assertIn("run the same command again: it goes on where it stopped", told)
        self.assertFalse(out.exists())
        done = self.run_merge(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\(\d+ tensors were there from before\)")

    def test_other_settings_do_not_go_on_with_what_was_left(self):
        a, b = self.big_pair()
        out, part = self.folder / "out.gguf", self.folder / "out.gguf.merge-part"
        limit = 20_000_000
        done = self.run_merge(a, b, "--t", 0.2, "--out", out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(done.returncode, 1)
        self.assertTrue(part.exists())
        done = self.run_merge(a, b, "--t", 0.7, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("from before", done.stdout)
        left = {name: raw for name, (_, raw, _) in read_model(out)[0].items()}
        self.assertEqual(left, {name: raw for name, (_, raw, _) in self.merge(a, b, "--t", 0.7).items()})

    def test_a_full_disk_is_told_and_the_next_start_goes_on(self):
        a, b = self.big_pair()
        out = self.folder / "full.gguf"
        limit = 20_000_000
        done = self.run_merge(a, b, "--out", out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("free some disk space and run the same command again", done.stderr)
        self.assertFalse(out.exists())
        done = self.run_merge(a, b, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        wanted = self.merge(a, b)
        self.assertEqual({name: raw for name, (_, raw, _) in read_model(out)[0].items()}, {name: raw for name, (_, raw, _) in wanted.items()})

    def test_a_disk_that_is_too_small_is_told_before_anything_is_written(self):
        elements = shutil.disk_usage(self.folder).free // 2 // 4096 * 4096  # in F16 as many bytes as are free, in F32 twice that
        writer = gguf.GGUFWriter(str(self.folder / "huge.gguf"), "llama")
        writer.add_block_count(1)
        for key, value in {"embedding_length": 4096, "attention.head_count": 4, "feed_forward_length": 128}.items():
            writer.add_uint32(f"llama.{key}", value)
        writer.add_tensor_info("blk.0.w.weight", (elements // 4096, 4096), np.dtype(np.float16), 2 * elements)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        os.truncate(self.folder / "huge.gguf", (self.folder / "huge.gguf").stat().st_size + 2 * elements + 64)  # a hole
        self.refuse(["needs", "its disk has", "free some disk space"], self.folder / "huge.gguf", "--type", "f32")
        self.assertEqual(list(self.folder.glob("refused*")), [])

    def test_two_merges_of_one_output_do_not_meet(self):
        a, b = self.big_pair()
        out = self.folder / "once.gguf"
        first = self.start(a, b, "--out", out, "--type", "q4_k_m")
        while not (self.folder / "once.gguf.merge-part").exists():
            self.assertIsNone(first.poll())
        second = self.run_merge(a, b, "--out", out)
        first.communicate()
        self.assertEqual(first.returncode, 0)
        self.assertEqual(second.returncode, 1)
        self.assertRegex(second.stderr, "another merge is writing|exists")

    def test_a_split_model_is_read_whole(self):
        a, b = self.big_pair()
        write_model(self.folder / "parts.gguf", {name: (values, T.F16) for name, (values, _, _) in read_model(a)[0].items()}, layers=12,
                    split=5)
        parts = sorted(self.folder.glob("parts-*.gguf"))
        self.assertEqual(len(parts), 3)
        wanted = {name: raw for name, (_, raw, _) in self.merge(a, b).items()}
        merged = self.merge(parts[0], b)
        self.assertEqual({name: raw for name, (_, raw, _) in merged.items()}, wanted)
        self.assertNotIn("split.count", read_model(self.folder / "out.gguf")[1])
        parts[1].unlink()
        self.refuse(["part 2 of 3"], parts[0], b)


if __name__ == "__main__":
    unittest.main()
