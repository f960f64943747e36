"""Writes small but whole GGUF models and LoRA adapters with given tensors, and reads them back as float64."""
import shutil
import sys

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import gguf  # noqa: E402
import numpy as np  # noqa: E402

T = gguf.GGMLQuantizationType
TOKENS = ["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(29)]


def stored(array, kind):
    """The bytes of a tensor as a file of that type holds them."""
    if kind == T.F32:
        return array.astype(np.float32)
    return array.astype(np.float16) if kind == T.F16 else gguf.quants.quantize(array.astype(np.float32), kind)


def write_model(path, tensors, architecture="llama", tokens=None, numbers=None, texts=None, name="small", layers=2, merges=None, split=0,
                floats=None, whole_tokenizer=False):
    """`tensors`: name -> (array with the contiguous dimension last, type). `split`: most tensors in one part."""
    writer = gguf.GGUFWriter(str(path), architecture, split_max_tensors=split)
    writer.add_name(name)
    writer.add_block_count(layers)
    for key, value in {"embedding_length": 64, "attention.head_count": 4, "feed_forward_length": 128, **(numbers or {})}.items():
        writer.add_uint32(f"{architecture}.{key}", value)
    writer.add_float32(f"{architecture}.rope.freq_base", 10000.0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens or TOKENS)
    for key, value in (floats or {}).items():
        writer.add_float32(f"{architecture}.{key}", value)
    if whole_tokenizer:
        writer.add_token_scores([0.0] * len(tokens or TOKENS))
        writer.add_token_types([2, 3, 3] + [1] * (len(tokens or TOKENS) - 3))
    if merges:
        writer.add_token_merges(merges)
    for key, value in (texts or {}).items():
        writer.add_string(key, value)
    for tensor, (array, kind) in tensors.items():
        writer.add_tensor(tensor, stored(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_adapter(path, pairs, architecture="llama", alpha=16.0, others=None, name="adapter"):
    """`pairs`: base tensor -> (A, B) as NumPy arrays [rank, inputs] and [outputs, rank]."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for base, (a, b) in pairs.items():
        writer.add_tensor(f"{base}.lora_a", a.astype(np.float32))
        writer.add_tensor(f"{base}.lora_b", b.astype(np.float32))
    for tensor, array in (others or {}).items():
        writer.add_tensor(tensor, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


WIDTH, HIDDEN = 64, 128


def llama_tensors(random, layers=2):
    """The matrices of a model that can be run, one of attention and gated layers."""
    def matrix(*shape):
        return random.standard_normal(shape) * 0.3

    tensors = {"token_embd.weight": matrix(len(TOKENS), WIDTH), "output_norm.weight": np.ones(WIDTH), "output.weight": matrix(len(TOKENS), WIDTH)}
    for layer in range(layers):
        for part, shape in {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH, WIDTH), "attn_v": (WIDTH, WIDTH), "attn_output": (WIDTH, WIDTH),
                            "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}.items():
            tensors[f"blk.{layer}.{part}.weight"] = matrix(*shape)
        for norm in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{norm}.weight"] = np.ones(WIDTH)
    return tensors


def write_llama(path, tensors, context=128, **more):
    numbers = {"context_length": context, "attention.head_count_kv": 4, "rope.dimension_count": 16, "vocab_size": len(TOKENS), **more}
    write_model(path, {key: (array, T.F32) for key, array in tensors.items()}, numbers=numbers,
                floats={"attention.layer_norm_rms_epsilon": 1e-5}, whole_tokenizer=True)
    return path


def starter_adapter(path, seed, strength=1.0, rank=8, **options):
    """Changes the attention of the starter model (SmolLM2-135M) by small random matrices."""
    random = np.random.default_rng(seed)
    pairs = {}
    for layer in range(30):
        for part, outputs in (("attn_q", 576), ("attn_v", 192)):
            a, b = random.standard_normal((rank, 576)), random.standard_normal((outputs, rank))
            pairs[f"blk.{layer}.{part}.weight"] = (a * 0.03, b * 0.03 * strength)
    write_adapter(path, pairs, alpha=2 * rank, name=path.stem, **options)
    return path


def disturbed(source, target, strength=0.05):
    """A copy whose Q8_0 blocks have scales changed by some per cent each."""
    shutil.copy(source, target)
    random = np.random.default_rng(3)
    for tensor in gguf.GGUFReader(str(target), "r+").tensors:
        if tensor.tensor_type == T.Q8_0:
            scales = tensor.data.reshape(-1, 34)[:, :2].view(np.float16)
            scales[:] = scales * (1 + strength * random.standard_normal(scales.shape)).astype(np.float16)


def read_model(path):
    """name -> (float64 array, raw bytes, type), by gguf-py's own dequantizers; and the fields."""
    reader = gguf.GGUFReader(str(path))
    tensors = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        tensors[tensor.name] = (np.asarray(values, dtype=np.float64), tensor.data.tobytes(), tensor.tensor_type)
    return tensors, reader.fields


def slerp(a, b, t):
    """The definition, in float64: angle of the normalised tensors, result of the unnormalised ones."""
    x, y = a.ravel(), b.ravel()
    norm_x, norm_y = np.linalg.norm(x), np.linalg.norm(y)
    unit_x = x / norm_x if norm_x > 1e-8 else x
    unit_y = y / norm_y if norm_y > 1e-8 else y
    dot = np.clip(unit_x @ unit_y, -1.0, 1.0)
    if abs(dot) > 0.9995:
        return (1 - t) * a + t * b
    theta = np.arccos(dot)
    return (np.sin((1 - t) * theta) * a + np.sin(t * theta) * b) / np.sin(theta)
