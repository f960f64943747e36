"""Workers are killed, stopped and loaded at random under load: every request ends, in an answer or a proper error."""
import contextlib
import os
import random
import signal
import threading
import time

import httpx
import pytest
from conftest import STARTER_ID, Server, children, wait_until
from variants import place_variants, proportional_bytes, variant_id

SECONDS = 300 if os.environ.get("PENSIEVE_LONG_TESTS") else 20
CLIENTS = 8
PROPER_ERRORS = {429, 500, 502, 503, 504, 529}


def refusal(answer):
    """Anthropic's API has no other status than 500 for a request that lost worker after worker."""
    return "worker lost" if "process was lost" in answer.text else f"status {answer.status_code}"


def stream_end(server, path, body, patience):
    """What a streamed request ends in: "answer", or the error in its stream or its status."""
    deadline = time.monotonic() + patience
    with httpx.stream("POST", f"{server.url}{path}", json=body, timeout=patience) as answer:
        if answer.status_code != 200:
            answer.read()
            assert answer.status_code in PROPER_ERRORS and "error" in answer.json(), answer.text
            return refusal(answer)
        lines = []
        for line in answer.iter_lines():
            assert time.monotonic() < deadline, "a stream that does not end"
            lines.append(line)
        data = [line for line in lines if line.startswith("data: ")]
        if data[-1] in ("data: [DONE]", 'data: {"type":"message_stop"}'):
            return "answer"
        assert '"error"' in data[-1], data[-1]
        return "error in the stream"


def ask(server, models, choice, patience):
    model = choice.choice(models)
    messages = [{"role": "user", "content": f"Tell me about the number {choice.randrange(1000)}."}]
    body = {"model": model, "messages": messages, "max_tokens": choice.randrange(1, 40)}
    path = choice.choice(["/v1/messages", "/v1/chat/completions"])
    if choice.random() < 0.7:
        return stream_end(server, path, {**body, "stream": True}, patience)
    answer = httpx.post(f"{server.url}{path}", json=body, timeout=patience)
    assert answer.status_code == 200 or (answer.status_code in PROPER_ERRORS and "error" in answer.json()), answer.text
    return "answer" if answer.status_code == 200 else refusal(answer)


def disturb(server, models, choice):
    """Kills or stops a worker, loads or unloads a model."""
    workers = children(server.process.pid)
    kind = choice.choice(["kill", "kill", "stop", "starve", "load", "unload"])
    with contextlib.suppress(ProcessLookupError, httpx.HTTPError):
        if kind == "kill" and workers:
            os.kill(choice.choice(workers), signal.SIGKILL)
        elif kind == "stop" and workers:
            os.kill(choice.choice(workers), signal.SIGSTOP)
        elif kind == "starve" and workers:
            worker = choice.choice(workers)
            os.kill(worker, signal.SIGSTOP)
            time.sleep(0.5)
            os.kill(worker, signal.SIGCONT)
        elif kind in ("load", "unload"):
            httpx.post(f"{server.url}/pensieve/v1/models/{choice.choice(models)}/{kind}", timeout=60)


@pytest.fixture
def fleet(tmp_path, tmp_path_factory):
    kinds = ["Q8_0", "Q4_0"]
    place_variants(tmp_path, tmp_path_factory.mktemp("variants"), kinds)
    server = Server(tmp_path, **{"engine.hang_timeout_s": 2, "engine.context_tokens": 2048, "memory.limit_bytes": 800_000_000})
    server.models = [STARTER_ID, *(variant_id(kind) for kind in kinds)]
    yield server
    server.stop()


def test_under_chaos_every_request_ends(fleet):
    ends: list[str] = []
    defects: list[str] = []
    until = time.monotonic() + SECONDS

    def client(seed):
        choice = random.Random(seed)
        while time.monotonic() < until:
            try:
                ends.append(ask(fleet, fleet.models, choice, 120))
                if ends[-1].startswith(("status", "worker")):
                    time.sleep(0.5)  # as a client does that is told to come back later
            except Exception as defect:  # a hang, a broken connection or a wrong answer
                defects.append(repr(defect))

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for one in clients:
        one.start()
    sizes = []
    choice = random.Random(42)
    while time.monotonic() < until:
        disturb(fleet, fleet.models, choice)
        sizes.append(proportional_bytes(fleet.process.pid))
        assert fleet.health()["status"] == "ok"
        time.sleep(choice.uniform(0.2, 1.5))
    for one in clients:
        one.join(150)
    assert not any(one.is_alive() for one in clients), "a client hangs"
    status = fleet.status()
    counts = {end: ends.count(end) for end in sorted(set(ends))}
    print(f"{len(ends)} requests: {counts}; lost {status['workers_lost']}, continued {status['answers_continued']}, "
          f"retried {status['answers_retried']}; supervisor {sizes[0]} to {sizes[-1]}, most {max(sizes)}")
    assert not defects, defects[:5]
    assert counts.get("answer", 0) >= CLIENTS
    assert "status 500" not in counts
    assert max(sizes) - sizes[len(sizes) // 4] < 6_000_000
    wait_until(lambda: all(one["active_requests"] == 0 for one in fleet.status()["models"]), 30, "idle models")
    wait_until(lambda: httpx.post(f"{fleet.url}/v1/chat/completions", timeout=60,
                                  json={"model": STARTER_ID, "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}]}
                                  ).status_code == 200, 60, "an answer after the chaos")
