"""Writes a projector (mmproj file) that is real in form and small: a vision transformer of random weights whose output
has the width of a given model. What a model says of an image through it means nothing; that it differs from image to
image does."""

import array
import random
import struct
import sys
from pathlib import Path

ALIGNMENT = 32


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def typed(value) -> bytes:
    """A metadata value with its type in front."""
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    return struct.pack("<IIQ", 9, 6, len(value)) + struct.pack(f"<{len(value)}f", *value)


def write_gguf(path: Path, metadata: dict, tensors: dict) -> None:
    """`tensors`: by name the dimensions, the contiguous one first, and the values."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + typed(value) for key, value in metadata.items())
    data = b""
    for name, (dimensions, values) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, 0, len(data))
        data += array.array("f", values).tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT) + data)


def write_projector(path: Path, width: int, kind: str = "mlp", size: int = 64, patch: int = 8, seed: int = 1) -> int:
    """For a model whose token vectors have `width` numbers; `kind`: mlp (each patch a token), or gemma3 (sixteen a
    token, read as a whole). Returns how many tokens an image takes."""
    inner, forward, layers = 32, 64, 2
    patches = (size // patch) ** 2
    numbers = random.Random(seed)
    metadata = {"general.architecture": "clip", "general.type": "mmproj", "general.name": "synthetic projector",
                "clip.has_vision_encoder": True, "clip.projector_type": kind, "clip.use_gelu": True,
                "clip.vision.image_size": size, "clip.vision.patch_size": patch, "clip.vision.embedding_length": inner,
                "clip.vision.feed_forward_length": forward, "clip.vision.block_count": layers,
                "clip.vision.projection_dim": width, "clip.vision.attention.head_count": 2,
                "clip.vision.attention.layer_norm_epsilon": 1e-5, "clip.vision.image_mean": [0.5] * 3,
                "clip.vision.image_std": [0.5] * 3}
    tensors = {}

    def add(name: str, *dimensions: int, scale: float | None = None) -> None:
        count = 1
        for length in dimensions:
            count *= length
        spread = dimensions[0] ** -0.5 if scale is None else scale
        tensors[name] = (dimensions, [numbers.gauss(0, spread) for _ in range(count)])

    def add_norm(name: str) -> None:
        tensors[f"{name}.weight"] = ((inner,), [1.0] * inner)
        tensors[f"{name}.bias"] = ((inner,), [0.0] * inner)

    add("v.patch_embd.weight", patch, patch, 3, inner, scale=0.3)
    add("v.patch_embd.bias", inner, scale=0.1)
    add("v.position_embd.weight", inner, patches, scale=0.3)
    for layer in range(layers):
        block = f"v.blk.{layer}"
        add_norm(f"{block}.ln1")
        add_norm(f"{block}.ln2")
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            add(f"{block}.{part}.weight", inner, inner)
            add(f"{block}.{part}.bias", inner, scale=0.1)
        add(f"{block}.ffn_up.weight", inner, forward)
        add(f"{block}.ffn_up.bias", forward, scale=0.1)
        add(f"{block}.ffn_down.weight", forward, inner)
        add(f"{block}.ffn_down.bias", inner, scale=0.1)
    if kind == "mlp":
        add("mm.0.weight", inner, inner)
        add("mm.0.bias", inner, scale=0.1)
        add("mm.2.weight", inner, width, scale=0.05)
        add("mm.2.bias", width, scale=0.02)
    else:
        add_norm("v.post_ln")
        tensors["mm.soft_emb_norm.weight"] = ((inner,), [1.0] * inner)
        add("mm.input_projection.weight", width, inner, scale=0.3)
        patches //= 16
    write_gguf(path, metadata, tensors)
    return patches


if __name__ == "__main__":
    print(write_projector(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
