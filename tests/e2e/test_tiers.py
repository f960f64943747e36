"""Disclosure and two tiers with the real binary: what an answer says of its model, by official clients."""
import json
import os
import shutil

import anthropic
import httpx
import openai
import pytest
from conftest import MODELS, STARTER_ID, wait_until
from test_routing import route

QUESTION = [{"role": "user", "content": "Say hello."}]
TOO_FAST = {"X-Pensieve-Min-TPS": "100000"}


def test_what_is_less_than_asked_is_in_headers_and_usage_of_every_api(server):
    gpt = openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0)
    raw = gpt.chat.completions.with_raw_response.create(model="auto", messages=QUESTION, max_tokens=4, extra_headers=TOO_FAST)
    assert "100000.0 were required" in raw.headers["x-pensieve-degraded"]
    answer = raw.parse()
    assert answer.usage.completion_tokens == 4
    said = answer.usage.model_extra["pensieve"]
    assert said == {"model": STARTER_ID, "decision": raw.headers["x-pensieve-decision"], "degraded": raw.headers["x-pensieve-degraded"]}
    chunks = list(gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4, stream=True,
                                              stream_options={"include_usage": True}, extra_headers=TOO_FAST))
    assert "required" in chunks[-1].usage.model_extra["pensieve"]["degraded"]

    claude = anthropic.Anthropic(base_url=server.url, api_key="local", max_retries=0)
    message = claude.messages.create(model="auto", max_tokens=4, messages=QUESTION, extra_headers=TOO_FAST)
    assert message.usage.output_tokens == 4
    assert "required" in message.usage.model_extra["pensieve"]["degraded"]
    with claude.messages.stream(model="auto", max_tokens=4, messages=QUESTION, extra_headers=TOO_FAST) as stream:
        usages = [event.usage for event in stream if event.type == "message_delta"]
        assert "x-pensieve-degraded" in stream.response.headers
    assert "required" in usages[0].model_extra["pensieve"]["degraded"]


def test_an_answer_as_asked_says_nothing_is_less(server):
    answer = httpx.post(f"{server.url}/v1/messages", json={"model": STARTER_ID, "max_tokens": 2, "messages": QUESTION}, timeout=60)
    assert "x-pensieve-degraded" not in answer.headers
    assert answer.json()["usage"]["pensieve"] == {"model": STARTER_ID, "decision": answer.headers["request-id"], "degraded": None}
    decision = httpx.get(f"{server.url}/pensieve/v1/decisions/{answer.headers['request-id']}").json()
    assert decision["named"] and decision["asked"] == STARTER_ID and decision["outcome"]["model"] == STARTER_ID


def test_a_named_model_that_never_fits_is_refused_with_figures(make_server):
    server = make_server(memory__limit_bytes=50_000_000)
    answer = httpx.post(f"{server.url}/v1/chat/completions", json={"model": STARTER_ID, "messages": QUESTION}, timeout=60)
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert "50.0 MB" in answer.text and "smaller model" in answer.text


def test_the_report_needs_no_server(make_server):
    server = make_server()
    body = {"model": "auto", "max_tokens": 4, "messages": QUESTION}
    for _ in range(2):
        httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=60)
    server.stop()
    (row,) = json.loads(route(server.home, "--report", "--json"))
    assert row["model"] == STARTER_ID and row["decisions"] == 2 and row["finished"] == 2 and row["regenerated"] == 1
    assert row["tps"] > 0 and row["ttft_ms"] > 0
    dry = json.loads(route(server.home, "--json", "Say hello."))


def test_no_ledger_no_report(tmp_path):
    assert "no decisions yet" in route(tmp_path, "--report")
    assert json.loads(route(tmp_path, "--report", "--json")) == []
    assert not (tmp_path / "data" / "ledger.db").exists() and not list(tmp_path.rglob("ledger.db"))


GEMMA = "gemma-3-270m-q4_k_m.gguf"


@pytest.mark.skipif(not (MODELS / GEMMA).exists(), reason="needs the second test model")
@pytest.mark.parametrize("confidence", [1, 99])
def test_a_cascade_keeps_or_escalates_before_the_first_byte(make_server, tmp_path, confidence):
    (tmp_path / "models").mkdir()
    shutil.copy(MODELS / GEMMA, tmp_path / "models" / GEMMA)
    gemma = "gemma-3-270m-q4_k_m"
    server = make_server(tiers__cascade="on", tiers__cascade_confidence=confidence, tiers__cascade_tokens=4, roles__fallback=STARTER_ID,
                         roles__primary=gemma, routing__performance="low")
    httpx.post(f"{server.url}/pensieve/v1/models/{STARTER_ID}/load", timeout=60).raise_for_status()
    httpx.post(f"{server.url}/pensieve/v1/models/{gemma}/unload", timeout=60)
    body = {"model": "auto", "max_tokens": 12, "stream": True, "temperature": 0,
            "messages": [{"role": "user", "content": "Explain in detail why the sky is blue and sunsets are red."}]}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=120)
    decision = httpx.get(f"{server.url}/pensieve/v1/decisions/{answer.headers['x-pensieve-decision']}").json()
    assert decision["model"] == gemma, decision["reason"]
    cascade = decision["cascade"]
    assert cascade["small"] == STARTER_ID and 0 < cascade["confidence"] < 1 and cascade["tokens"] == 4 and cascade["cost_ms"] > 0
    chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    answering = gemma if confidence == 99 else STARTER_ID
    assert cascade["verdict"] == ("escalated" if confidence == 99 else "kept")
    assert {chunk["model"] for chunk in chunks} == {answering} == {answer.headers["x-pensieve-model"]}
    assert decision["outcome"]["model"] == answering
