"""A streaming HTTP client that costs next to nothing while it measures.

Client, server and model share the machine's cores, so a token that is parsed on arrival slows the very thing that is
measured. Pieces are only stamped with the time while they arrive; they are parsed after the last one.
"""
import bisect
import json
import selectors
import socket
import time
from dataclasses import dataclass, field


@dataclass
class Answer:
    """One streamed completion. Times are seconds of time.perf_counter()."""

    sent: float
    ended: float = 0.0
    text_times: list[float] = field(default_factory=list)  # arrival of each event that carries text
    text: str = ""
    tokens: int = 0
    finish: str = ""
    usage: dict = field(default_factory=dict)
    timings: dict = field(default_factory=dict)  # what the server says of its own times, if it does

    @property
    def first_token_s(self) -> float:
        return self.text_times[0] - self.sent

    @property
    def decode_tps(self) -> float:
        """Tokens a second from the first to the last, as the client sees them arrive."""
        return (self.tokens - 1) / (self.text_times[-1] - self.text_times[0])


def post_bytes(port: int, path: str, body: dict) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content


def stream_all(port: int, path: str, bodies: list[dict], timeout_s: float = 300.0) -> list[Answer]:
    """Sends all requests at once and reads their streams to the end, in one thread."""
    requests = [post_bytes(port, path, body) for body in bodies]
    connections = []
    for _ in requests:
        connection = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections.append(connection)
    pieces: list[list[tuple[float, bytes]]] = [[] for _ in requests]
    sent = []
    with selectors.DefaultSelector() as ready:
        for index, (connection, request) in enumerate(zip(connections, requests)):
            sent.append(time.perf_counter())
            connection.sendall(request)
            ready.register(connection, selectors.EVENT_READ, index)
        left = len(requests)
        while left:
            events = ready.select(timeout_s)
            if not events:
                raise TimeoutError(f"port {port} sent nothing for {timeout_s:.0f} s")
            for key, _ in events:
                block = key.fileobj.recv(1 << 16)
                pieces[key.data].append((time.perf_counter(), block))
                if not block:
                    ready.unregister(key.fileobj)
                    left -= 1
    for connection in connections:
        connection.close()
    return [parse_answer(start, got) for start, got in zip(sent, pieces)]


def dechunk(raw: bytes, start: int) -> tuple[bytes, list[tuple[int, int]]]:
    """The body of a chunked answer, and for each chunk the offsets of its end in the body and in `raw`."""
    body = bytearray()
    ends = []
    while True:
        line_end = raw.index(b"\r\n", start)
        size = int(raw[start:line_end].split(b";")[0], 16)
        if size == 0:
            return bytes(body), ends
        start = line_end + 2
        body += raw[start : start + size]
        start += size
        ends.append((len(body), start))
        start += 2


def parse_answer(sent: float, pieces: list[tuple[float, bytes]]) -> Answer:
    raw = b"".join(block for _, block in pieces)
    head_end = raw.index(b"\r\n\r\n") + 4
    head = raw[:head_end].decode("latin-1").lower()
    if " 200 " not in head.split("\r\n")[0]:
        raise RuntimeError(f"the server answered {raw[:400]!r}")
    if "transfer-encoding: chunked" in head:
        body, ends = dechunk(raw, head_end)
    else:
        body, ends = raw[head_end:], [(len(raw) - head_end, len(raw))]
    arrived = []  # offsets in raw up to which each piece had come
    total = 0
    for _, block in pieces:
        total += len(block)
        arrived.append(total)

    def time_of(body_offset: int) -> float:
        body_end, raw_end = ends[bisect.bisect_left(ends, (body_offset, 0))]
        return pieces[bisect.bisect_left(arrived, raw_end - (body_end - body_offset))][0]

    answer = Answer(sent=sent, ended=pieces[-1][0])
    offset = 0
    while (end := body.find(b"\n\n", offset)) >= 0:
        event, offset = body[offset:end], end + 2
        if event.startswith(b"data: ") and event != b"data: [DONE]":
            take_event(answer, json.loads(event[6:]), time_of(offset))
    if not answer.text_times or not answer.tokens:
        raise RuntimeError(f"no whole answer came: {body[-400:]!r}")
    return answer


def take_event(answer: Answer, event: dict, arrival: float) -> None:
    if "error" in event:
        raise RuntimeError(f"the stream broke off: {event['error']}")
    if event.get("usage"):
        answer.usage = event["usage"]
        answer.tokens = answer.usage["completion_tokens"]
    answer.timings = event.get("timings") or answer.timings
    for choice in event.get("choices", []):
        text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        if text:
            answer.text += text
            answer.text_times.append(arrival)
        answer.finish = choice.get("finish_reason") or answer.finish
