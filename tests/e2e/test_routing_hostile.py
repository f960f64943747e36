"""Hostile requests over HTTP: each that is accepted gets its decision within the time bound, in every API."""
import httpx
import pytest

BOUND_US = 1000
MEGABYTE = 1 << 20

TEXTS = {
    "one character": "a" * MEGABYTE,
    "spaces": " " * MEGABYTE,
    "open brackets": "[" * MEGABYTE,
    "open tags": "<system-reminder>" * (MEGABYTE // 17),
    "no ASCII": "\u00e4\u6f22\U0001f600" * (MEGABYTE // 9),
    "line breaks": "\n" * MEGABYTE,
    "nothing": "",
}


def chat(messages):
    return {"model": "auto", "max_tokens": 1, "messages": messages}


def dry_run(server, body):
    answer = httpx.post(f"{server.url}/pensieve/v1/route", json=body, timeout=60)
    assert answer.status_code in (200, 400), answer.text
    return answer


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_judged_in_time(server, name):
    text = TEXTS[name]
    for body in (
        chat([{"role": "user", "content": text}]),
        chat([{"role": "user", "content": [{"type": "text", "text": text}]}]),
        {"model": "auto", "system": text, "messages": [{"role": "user", "content": "hi"}]},
        {"model": "auto", "prompt": text},
        {"model": "auto", "input": text, "instructions": text[:1000]},
    ):
        answer = dry_run(server, body)
        if answer.status_code == 200:
            assert answer.json()["decision_us"] < BOUND_US
        else:
            assert "longer than any context" in answer.text


def test_ten_thousand_messages_are_judged_in_time(server):
    turns = [{"role": ("user", "assistant")[i % 2], "content": "and the other file"} for i in range(10_000)]
    answer = dry_run(server, chat(turns[:9_999]))
    assert "longer than any context" in answer.text
    short = dry_run(server, chat([{"role": "user", "content": ""}] * 10_000 + [{"role": "user", "content": "hi"}]))
    assert "longer than any context" in short.text or short.json()["decision_us"] < BOUND_US


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/api/chat", "/api/generate"])
def test_a_prompt_that_is_far_too_long_is_refused_by_exact_count_and_kept(server, path):
    text = "word " * (MEGABYTE // 50)
    body = {
        "/v1/responses": {"model": "auto", "input": text},
        "/api/generate": {"model": "auto", "prompt": text},
    }.get(path, chat([{"role": "user", "content": text}]))
    answer = httpx.post(server.url + path, json=body, timeout=120)
    assert answer.status_code == 400
    assert "maximum" in answer.text
    identity = answer.headers.get("request-id") or answer.headers["x-request-id"]
    decision = httpx.get(f"{server.url}/pensieve/v1/decisions/{identity}").json()
    assert decision["decision_us"] < BOUND_US and decision["outcome"]["state"] == "failed"


@pytest.mark.parametrize("role", ["wizard", "", 7, None])
def test_invalid_roles_are_refused_by_the_apis_and_judged_by_the_dry_run(server, role):
    body = chat([{"role": role, "content": "Explain tides."}])
    for path in ("/v1/chat/completions", "/v1/messages", "/api/chat"):
        refused = httpx.post(server.url + path, json=body, timeout=60)
        assert refused.status_code == 400 and "role" in refused.text
    assert dry_run(server, body).json()["decision_us"] < BOUND_US
    assert server.health()["status"] == "ok"
