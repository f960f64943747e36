"""Routing with the real binary: dry runs without a server, decisions of a server with their outcome."""
import json
import os
import subprocess

import httpx
from conftest import BINARY, STARTER_ID


def route(home, *arguments, stdin=""):
    environment = {**os.environ, "PENSIEVE_HOME": str(home)}
    done = subprocess.run([BINARY, "route", *arguments], input=stdin, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lines_get_decisions_without_server_and_models(tmp_path):
    requests = [
        {"id": "a", "model": "auto", "messages": [{"role": "user", "content": "hi"}]},
        {"id": "b", "messages": [{"role": "user", "content": "Prove that every finite integral domain is a field."}]},
        {"messages": [{"role": 3, "content": None}]},
    ]
    out = route(tmp_path, "--jsonl", stdin="".join(json.dumps(request) + "\n" for request in requests) + "not json\n")
    first, second, third, fourth = [json.loads(line) for line in out.splitlines()]
    assert first["id"] == "a" and first["complexity"]["class"] == "simple" and first["candidates"] == []
    assert second["domain"] == "math" and second["complexity"]["score"] > first["complexity"]["score"]
    assert {"model", "quality", "performance", "decision_us"} <= second.keys()
    assert third["id"] == "3"
    assert fourth["line"] == 4 and fourth["error"]


def test_ten_thousand_lines_take_seconds(tmp_path):
    line = json.dumps({"messages": [{"role": "user", "content": "Explain how a heat pump works. " * 20}]}) + "\n"
    decisions = [json.loads(one) for one in route(tmp_path, "--jsonl", stdin=line * 10_000).splitlines()]
    assert len(decisions) == 10_000
    assert sorted(one["decision_us"] for one in decisions)[9_900] < 1000


def test_a_decision_can_be_looked_up_after_the_answer(server):
    body = {"model": "auto", "max_tokens": 8, "messages": [{"role": "user", "content": "Say hello."}]}
    dry = httpx.post(f"{server.url}/pensieve/v1/route", json=body).json()
    assert dry["model"] == STARTER_ID and dry["candidates"][0]["verdict"] == "chosen"
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=60)
    assert answer.headers["x-pensieve-model"] == STARTER_ID
    decision = httpx.get(f"{server.url}/pensieve/v1/decisions/{answer.headers['x-pensieve-decision']}").json()
    assert decision["asked"] == "auto" and decision["model"] == STARTER_ID
    assert decision["outcome"]["state"] == "finished" and decision["outcome"]["answer_tokens"] > 0
    listed = httpx.get(f"{server.url}/pensieve/v1/decisions").json()
    assert listed["summary"][0]["model"] == STARTER_ID
    assert "DECISIONS" in route(server.home, "--report")


def test_a_floor_that_no_model_keeps_is_degraded_not_refused(server):
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello."}]}
    decision = httpx.post(f"{server.url}/pensieve/v1/route", json=body, headers={"X-Pensieve-Min-TPS": "100000"}).json()
    assert decision["degraded"] and decision["model"] == STARTER_ID


def test_decisions_survive_a_restart(make_server):
    first = make_server()
    body = {"model": "auto", "max_tokens": 4, "messages": [{"role": "user", "content": "Say hello."}]}
    answer = httpx.post(f"{first.url}/v1/chat/completions", json=body, timeout=60)
    first.stop()
    second = make_server()
    decision = httpx.get(f"{second.url}/pensieve/v1/decisions/{answer.headers['x-pensieve-decision']}")
    assert decision.status_code == 200 and decision.json()["outcome"]["state"] == "finished"
