"""Faults that come at a bad moment: during a load, in a long prompt, twice in one answer, in every API's stream."""
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx
import jsonschema
import pytest
from conftest import STARTER_ID, Server, alive, children, wait_until
from test_failover import COUNT, ENDLESS, FORCED, GRAMMAR, SCHEMA, TWIN, admin, model_status, state, worker_of
from variants import place_variants, variant_id

THIRD = variant_id("Q8_0")
TRIO = [STARTER_ID, TWIN, THIRD]


@pytest.fixture(scope="module")
def trio(tmp_path_factory):
    home = tmp_path_factory.mktemp("trio")
    place_variants(home, tmp_path_factory.mktemp("made"), ["Twin", "Q8_0"])
    server = Server(home, **{"roles.primary": STARTER_ID, "roles.fallback": TWIN, "models.preload": ",".join(TRIO),
                             "engine.hang_timeout_s": 2, "engine.context_tokens": 4096})
    yield server
    server.stop()


@pytest.fixture
def calm(trio):
    """All three loaded, and each has answered since it was last lost."""
    def settled(model):
        httpx.post(f"{trio.url}/v1/chat/completions", json={"model": model, "max_tokens": 2, "messages": COUNT}, timeout=60).raise_for_status()
        return state(trio, model) == "ready"

    for model in TRIO:
        wait_until(lambda model=model: settled(model), 90, f"{model}, ready")
    return trio


def kill(server, model, how=signal.SIGKILL):
    os.kill(worker_of(server, model), how)


def busy_model(server, among=TRIO):
    return next((one for one in among if model_status(server, one)["active_requests"] > 0), None)


def lines_of(server, path, body, strikes):
    """The lines of a streamed answer; `strikes` are called after so many of them."""
    lines = []
    with httpx.stream("POST", f"{server.url}{path}", json=body, timeout=120) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            lines.append(line)
            if len(lines) in strikes:
                strikes[len(lines)]()
    return lines


def events_of(lines):
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def test_an_answer_survives_the_loss_of_two_workers(calm):
    def again():
        kill(calm, wait_until(lambda: busy_model(calm, [TWIN, THIRD]), 5, "who went on"))

    lines = lines_of(calm, "/v1/chat/completions", {"model": STARTER_ID, "messages": COUNT, "max_tokens": 600, "temperature": 0, "stream": True,
                                                   "grammar": GRAMMAR}, {20: lambda: kill(calm, STARTER_ID), 90: again})
    text = "".join(choice["delta"].get("content") or "" for event in events_of(lines) for choice in event["choices"])
    assert text == FORCED


def test_a_responses_stream_goes_on(calm):
    body = {"model": STARTER_ID, "input": COUNT[0]["content"], "max_output_tokens": 600, "stream": True, "temperature": 0,
            "text": {"format": {"type": "json_schema", "name": "text", "schema": SCHEMA, "strict": True}}}
    events = events_of(lines_of(calm, "/v1/responses", body, {40: lambda: kill(calm, STARTER_ID)}))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert json.loads(text) == {"text": FORCED} and events[-1]["type"] == "response.completed"


def test_an_ollama_stream_goes_on(calm):
    body = {"model": STARTER_ID, "messages": COUNT, "format": SCHEMA, "options": {"temperature": 0, "num_predict": 600}}
    pieces = [json.loads(line) for line in lines_of(calm, "/api/chat", body, {12: lambda: kill(calm, STARTER_ID)})]
    assert json.loads("".join(piece["message"]["content"] for piece in pieces)) == {"text": FORCED}
    assert pieces[-1]["done"] and pieces[-1]["done_reason"] == "stop"


def test_an_anthropic_tool_call_that_breaks_off_is_finished(calm):
    schema = {"type": "object", "additionalProperties": False, "required": ["text"],
              "properties": {"text": {"type": "string", "minLength": 150, "maxLength": 260}}}
    client = anthropic.Anthropic(base_url=calm.url, api_key="local", max_retries=0, timeout=120)
    struck = False
    with client.messages.stream(model=STARTER_ID, max_tokens=400, messages=COUNT, tools=[{"name": "take_note", "input_schema": schema}],
                                tool_choice={"type": "any", "disable_parallel_tool_use": True}) as stream:
        for event in stream:
            if event.type == "input_json" and len(event.partial_json) > 0 and not struck:
                struck = True
                kill(calm, STARTER_ID)
        answer = stream.get_final_message()
    assert struck and answer.stop_reason == "tool_use"
    [call] = [block for block in answer.content if block.type == "tool_use"]
    jsonschema.validate(call.input, schema)


def test_a_worker_that_stops_in_a_long_prompt_is_replaced(calm):
    long = [{"role": "user", "content": "one two three four five six seven " * 350 + "Go on."}]
    failed = calm.status()["requests_failed"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{calm.url}/v1/chat/completions", timeout=120,
                            json={"model": STARTER_ID, "messages": long, "max_tokens": 5, "logit_bias": ENDLESS})
        wait_until(lambda: model_status(calm, STARTER_ID)["active_requests"] == 1, 10, "a running request")
        stopped = worker_of(calm, STARTER_ID)
        os.kill(stopped, signal.SIGSTOP)
        answer = asked.result()
    assert answer.status_code == 200 and answer.json()["usage"]["completion_tokens"] == 5
    wait_until(lambda: not alive(stopped), 10, "the end of the stopped worker")
    assert calm.status()["requests_failed"] == failed


def test_a_load_survives_the_loss_of_its_worker_and_of_the_spare_one(calm):
    assert admin(calm, THIRD, "unload").status_code == 200
    known = {worker_of(calm, model) for model in TRIO}
    for spare in wait_until(lambda: [pid for pid in children(calm.process.pid) if pid not in known], 10, "a spare worker"):
        os.kill(spare, signal.SIGKILL)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{calm.url}/v1/chat/completions", json={"model": THIRD, "messages": COUNT, "max_tokens": 3}, timeout=60)
        loading = wait_until(lambda: (asked.done() and -1) or worker_of(calm, THIRD), 20, "a loading worker")
        if loading > 0 and state(calm, THIRD) == "loading":
            os.kill(loading, signal.SIGKILL)
        answer = asked.result()
    assert answer.status_code == 200 and answer.json()["model"] in (THIRD, *TRIO), answer.text


def test_a_client_that_leaves_during_the_move_leaves_nothing_behind(calm):
    for _ in range(3):
        wait_until(lambda: state(calm, STARTER_ID) == "ready", 90, "a loaded model")
        with httpx.stream("POST", f"{calm.url}/v1/chat/completions", timeout=60,
                          json={"model": STARTER_ID, "messages": COUNT, "max_tokens": 600, "stream": True, "logit_bias": ENDLESS}) as answer:
            for number, _ in enumerate(answer.iter_lines()):
                if number == 20:
                    kill(calm, STARTER_ID)
                    break
        wait_until(lambda: busy_model(calm) is None, 20, "idle models")
        httpx.post(f"{calm.url}/v1/chat/completions", json={"model": STARTER_ID, "max_tokens": 2, "messages": COUNT}, timeout=60).raise_for_status()
    assert calm.health()["status"] == "ok"


def test_all_workers_lost_at_once_cost_no_answer(calm):
    texts = {}

    def ask(model):
        texts[model] = gpt_stream_of(calm, model)

    clients = [threading.Thread(target=ask, args=(model,)) for model in TRIO]
    for one in clients:
        one.start()
    wait_until(lambda: sum(model_status(calm, model)["active_requests"] for model in TRIO) >= 2, 10, "running requests")
    for worker in children(calm.process.pid):
        os.kill(worker, signal.SIGKILL)
    for one in clients:
        one.join(100)
    assert texts == {model: FORCED for model in TRIO}


def gpt_stream_of(server, model):
    lines = lines_of(server, "/v1/chat/completions", {"model": model, "messages": COUNT, "max_tokens": 600, "temperature": 0, "stream": True,
                                                     "grammar": GRAMMAR}, {})
    return "".join(choice["delta"].get("content") or "" for event in events_of(lines) for choice in event["choices"])
