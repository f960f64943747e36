"""Pictures for tests, written here: no library for that is needed."""

import struct
import zlib


def png(width: int, height: int, colour=lambda x, y: (x * 255 // 64 % 256, y * 255 // 64 % 256, 128)) -> bytes:
    """`colour(x, y)` gives red, green and blue."""
    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in colour(x, y)) for y in range(height))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bmp(width: int, height: int, colour) -> bytes:
    padding = bytes(-width * 3 % 4)
    rows = b"".join(b"".join(bytes(reversed(colour(x, y))) for x in range(width)) + padding for y in reversed(range(height)))
    return (b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + rows)


def bomb(width: int, height: int) -> bytes:
    """A PNG file whose few bytes unpack to 200 MB."""
    whole = png(width, height)
    at = whole.index(b"IDAT") - 4
    content = zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(content)) + b"IDAT" + content + struct.pack(">I", zlib.crc32(b"IDAT" + content))
    return whole[:at] + chunk + whole[whole.index(b"IEND") - 4:]
