"""Conversations outlive a restart and a change of model."""
import shutil
import stat

import httpx
from conftest import MODELS, STARTER, STARTER_ID, Server

STORY = " ".join(f"On day {day} the ship sailed past island {day * 7 % 90} and the crew wrote it down." for day in range(60))


def ask(server, messages, model=STARTER_ID):
    answer = httpx.post(f"{server.url}/v1/chat/completions", timeout=120,
                        json={"model": model, "messages": messages, "max_tokens": 24, "temperature": 0})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    usage = body["usage"]
    return body["choices"][0]["message"]["content"], usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]


def test_a_conversation_goes_on_after_a_restart(tmp_path):
    messages = [{"role": "user", "content": STORY + " Which island came first?"}]
    server = Server(tmp_path)
    reply, tokens, cached = ask(server, messages)
    assert cached < 40
    messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": "And the second one?"}]
    server.stop()
    kept = list((tmp_path / "kv").rglob("*.state"))
    assert kept and all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in kept)

    server = Server(tmp_path)
    continued, _, cached = ask(server, messages)
    assert cached >= tokens
    server.stop()

    fresh = Server(tmp_path, **{"cache.disk_bytes": 0})
    answer, _, cached = ask(fresh, messages)
    assert cached == 0 and answer[:8] == continued[:8]
    fresh.stop()


def test_damaged_files_cost_nothing_but_time(tmp_path):
    messages = [{"role": "user", "content": STORY}]
    server = Server(tmp_path)
    reply, tokens, _ = ask(server, messages)
    server.stop()
    for file in (tmp_path / "kv").rglob("*.state"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(content)
    server = Server(tmp_path)
    again, count, cached = ask(server, messages)
    assert (count, cached) == (tokens, 0) and again[:8] == reply[:8]
    server.stop()


def test_a_conversation_goes_on_after_another_model_took_the_memory(tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(MODELS / STARTER, tmp_path / "models" / "other.gguf")
    server = Server(tmp_path, **{"memory.limit_bytes": 500_000_000})
    messages = [{"role": "user", "content": STORY}]
    reply, tokens, _ = ask(server, messages)
    ask(server, [{"role": "user", "content": "Say hello."}], "other")
    states = {model["id"]: model["state"] for model in server.status()["models"]}
    assert states == {STARTER_ID: "unloaded", "other": "ready"}
    messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": "Go on."}]
    _, _, cached = ask(server, messages)
    assert cached >= tokens
    server.stop()
