"""Model files made for the tests: small embedding models of several kinds, and copies of models with other metadata."""
import sys
from pathlib import Path

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import gguf  # noqa: E402
import numpy as np  # noqa: E402

WIDTH, HEADS, HIDDEN, LAYERS = 64, 4, 128, 2
MEAN, CLS, LAST, RANK = 1, 2, 3, 4  # pooling types
WORDS = ["the", "cat", "sat", "on", "mat", "dog", "ran", "sun", "moon", "sea", "red", "blue"]


def copy_with(source: Path, target: Path, numbers: dict[str, int] | None = None, floats: dict[str, float] | None = None,
              texts: dict[str, str] | None = None) -> Path:
    """A copy of a model whose metadata has these values too, or instead of its own."""
    reader = gguf.GGUFReader(str(source))
    writer = gguf.GGUFWriter(str(target), reader.fields["general.architecture"].contents())
    changed = {**(numbers or {}), **(floats or {}), **(texts or {})}
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or name in changed:
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for add, values in ((writer.add_uint32, numbers), (writer.add_float32, floats), (writer.add_string, texts)):
        for name, value in (values or {}).items():
            add(name, value)
    for tensor in reader.tensors:
        writer.add_tensor_info(tensor.name, tensor.data.shape, tensor.data.dtype, tensor.data.nbytes, tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:
        writer.write_tensor_data(tensor.data)
    writer.close()
    return target


def _begin(path, architecture, context, pooling, layers=LAYERS):
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(path.stem)
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(layers)
    writer.add_head_count(HEADS)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_uint32(f"{architecture}.pooling_type", pooling)
    return writer


def _end(writer, tensors):
    for name, array in tensors.items():
        writer.add_tensor(name, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _word_pieces(writer):
    """BERT's tokenizer, for the words above and single letters."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{word}" for word in WORDS + letters), *letters]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 2, 3, 3, 3] + [1] * (len(tokens) - 5))
    writer.add_token_type_count(2)
    for add, token in ((writer.add_pad_token_id, 0), (writer.add_unk_token_id, 1), (writer.add_sep_token_id, 3),
                       (writer.add_mask_token_id, 4), (writer.add_bos_token_id, 2), (writer.add_eos_token_id, 3)):
        add(token)
    writer.add_uint32("tokenizer.ggml.cls_token_id", 2)
    return len(tokens)


def _matrices(random, parts, layers=LAYERS):
    return {f"blk.{layer}.{part}.weight": random.standard_normal(shape) * 0.2 for layer in range(layers) for part, shape in parts.items()}


def _norms(names, width=WIDTH, bias=True):
    one = {f"{name}.weight": np.ones(width) for name in names}
    return {**one, **({f"{name}.bias": np.zeros(width) for name in names} if bias else {})}


def _layered(names, layers=LAYERS):
    return [f"blk.{layer}.{name}" for layer in range(layers) for name in names]


def write_bert(path: Path, pooling: int | None = MEAN, context=256) -> Path:
    random = np.random.default_rng(1)
    writer = _begin(path, "bert", context, pooling)
    writer.add_layer_norm_eps(1e-12)
    entries = _word_pieces(writer)
    tensors = {"token_embd.weight": random.standard_normal((entries, WIDTH)), "token_types.weight": random.standard_normal((2, WIDTH)) * 0.1,
               "position_embd.weight": random.standard_normal((context, WIDTH)) * 0.1}
    tensors |= _norms(["token_embd_norm", *_layered(["attn_output_norm", "layer_output_norm"])])
    square = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (WIDTH, WIDTH))
    tensors |= _matrices(random, {**square, "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)})
    for name in _layered(["attn_q", "attn_k", "attn_v", "attn_output", "ffn_down"]):
        tensors[f"{name}.bias"] = np.zeros(WIDTH)
    for name in _layered(["ffn_up"]):
        tensors[f"{name}.bias"] = np.zeros(HIDDEN)
    _end(writer, tensors)
    return path


def write_nomic_bert(path: Path, context=2048) -> Path:
    random = np.random.default_rng(2)
    writer = _begin(path, "nomic-bert", context, MEAN)
    writer.add_layer_norm_eps(1e-12)
    writer.add_rope_freq_base(1000.0)
    entries = _word_pieces(writer)
    tensors = {"token_embd.weight": random.standard_normal((entries, WIDTH)), "token_types.weight": random.standard_normal((2, WIDTH)) * 0.1}
    tensors |= _norms(["token_embd_norm", *_layered(["attn_output_norm", "layer_output_norm"])])
    tensors |= _matrices(random, {"attn_qkv": (3 * WIDTH, WIDTH), "attn_output": (WIDTH, WIDTH), "ffn_gate": (HIDDEN, WIDTH),
                                  "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)})
    _end(writer, tensors)
    return path


def write_gemma_embedding(path: Path, context=2048) -> Path:
    layers = 6  # of which the last looks at the whole text
    random = np.random.default_rng(3)
    writer = _begin(path, "gemma-embedding", context, MEAN, layers)
    head = WIDTH // HEADS
    writer.add_head_count_kv(1)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(512)
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"▁{word}" for word in WORDS)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 260 + [-float(place) for place in range(len(WORDS))])
    writer.add_token_types([3, 3, 3, 2] + [6] * 256 + [1] * len(WORDS))
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    tensors = {"token_embd.weight": random.standard_normal((len(tokens), WIDTH))}
    tensors |= _norms(["output_norm", *_layered(["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"], layers)], bias=False)
    tensors |= _norms(_layered(["attn_q_norm", "attn_k_norm"], layers), head, bias=False)
    tensors |= _matrices(random, {"attn_q": (WIDTH, WIDTH), "attn_k": (head, WIDTH), "attn_v": (head, WIDTH), "attn_output": (WIDTH, WIDTH),
                                  "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}, layers)
    _end(writer, tensors)
    return path
