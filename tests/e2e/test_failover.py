"""Answers that go on when their worker is killed, hangs or has to leave: real processes, official clients."""
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import httpx
import jsonschema
import openai
import pytest
from conftest import STARTER_ID, Server, alive, children, wait_until
from variants import MemoryWatch, place_variants, variant_id

LONG = bool(os.environ.get("PENSIEVE_LONG_TESTS"))
TWIN = variant_id("Twin")
COUNT = [{"role": "user", "content": "Count from one to one hundred in words, all of them, one a line."}]
# SmolLM2's ends of a turn are forbidden, so that an answer has exactly the tokens asked for.
ENDLESS = {"0": -100, "2": -100}
# An answer that can be no other, so that a lost or repeated piece shows. What a model writes of its own accord
# may differ after the break: the text is read in one piece then, perhaps in other tokens, and computed otherwise.
ONES = "one two three four five six seven eight nine".split()
FORCED = " ".join(ONES + [f"{ten} {one}" for ten in ("twenty", "thirty", "forty", "fifty") for one in ONES])
GRAMMAR = f'root ::= "{FORCED}"'
SCHEMA = {"type": "object", "properties": {"text": {"const": FORCED}}, "required": ["text"], "additionalProperties": False}


@pytest.fixture(scope="session")
def made_variants(tmp_path_factory):
    return tmp_path_factory.mktemp("variants")


@pytest.fixture
def pair(tmp_path, made_variants):
    """The starter as the primary and its twin as the fallback, both loaded: the twin writes what it would have."""
    place_variants(tmp_path, made_variants, ["Twin"])
    server = Server(tmp_path, **{"roles.primary": STARTER_ID, "roles.fallback": TWIN, "models.preload": f"{STARTER_ID},{TWIN}",
                                 "engine.hang_timeout_s": 2, "engine.context_tokens": 4096})
    wait_until(lambda: all(state(server, model) == "ready" for model in (STARTER_ID, TWIN)), 60, "two loaded models")
    yield server
    server.stop()


def model_status(server, model):
    return {one["id"]: one for one in server.status()["models"]}[model]


def state(server, model):
    return model_status(server, model)["state"]


def worker_of(server, model):
    return model_status(server, model)["worker_pid"]


def admin(server, model, action):
    return httpx.post(f"{server.url}/pensieve/v1/models/{model}/{action}", timeout=120)


def gpt(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0, timeout=120)


def claude(server):
    return anthropic.Anthropic(base_url=server.url, api_key="local", max_retries=0, timeout=120)


def gpt_stream(server, strike=None, after=10, forced=True, **options):
    """The text, the last chunk with usage, the reason of the end and the longest pause after `strike()`."""
    options = {"max_tokens": 600, "extra_body": {"grammar": GRAMMAR}} | options if forced else {"max_tokens": 60, "logit_bias": ENDLESS} | options
    text, usage, reason, struck, pause = "", None, None, None, 0.0
    stream = gpt(server).chat.completions.create(model=STARTER_ID, messages=COUNT, stream=True, temperature=0,
                                                 stream_options={"include_usage": True}, **options)
    for number, chunk in enumerate(stream):
        if struck is not None and chunk.choices and chunk.choices[0].delta.content:
            pause = max(pause, time.monotonic() - struck)
            struck = time.monotonic()
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
            reason = chunk.choices[0].finish_reason or reason
        if number == after and strike:
            strike()
            struck = time.monotonic()
        usage = chunk.usage or usage
    return text, usage, reason, pause


def test_a_killed_workers_openai_stream_goes_on_without_a_seam(pair):
    text, _, reason, pause = gpt_stream(pair, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL))
    assert text == FORCED and reason == "stop"
    print(f"{pause:.2f} s until the first new token")
    assert pause < 5  # the goal is 1 s on a quiet machine
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")
    status = pair.status()
    assert 1 <= status["answers_continued"] == status["workers_lost"] and status["requests_failed"] == 0


def test_an_answer_that_is_cut_by_its_limit_has_exactly_that_many_tokens(pair):
    _, usage, _, _ = gpt_stream(pair, forced=False)
    before = pair.status()["answers_continued"]
    _, cut_usage, reason, _ = gpt_stream(pair, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL), forced=False)
    assert cut_usage.completion_tokens == usage.completion_tokens == 60 and reason == "length"
    assert cut_usage.prompt_tokens == usage.prompt_tokens
    assert pair.status()["answers_continued"] == before + 1
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")


def claude_forced():
    return {"model": STARTER_ID, "max_tokens": 600, "messages": COUNT,
            "extra_body": {"temperature": 0, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}}


def test_a_killed_workers_anthropic_stream_goes_on_without_a_seam(pair):
    before = pair.status()["answers_continued"]
    with claude(pair).messages.stream(**claude_forced()) as stream:
        for number, _ in enumerate(stream.text_stream):
            if number == 10:
                os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
        answer = stream.get_final_message()
    assert json.loads(answer.content[0].text) == {"text": FORCED} and answer.stop_reason == "end_turn"
    assert pair.status()["answers_continued"] == before + 1
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")


@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_an_answer_that_is_not_streamed_survives_the_kill(pair, client):
    def answer():
        if client == "openai":
            done = gpt(pair).chat.completions.create(model=STARTER_ID, messages=COUNT, max_tokens=600, temperature=0,
                                                     extra_body={"grammar": GRAMMAR})
            return done.choices[0].message.content
        return json.loads(claude(pair).messages.create(**claude_forced()).content[0].text)["text"]

    lost = pair.status()["workers_lost"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(answer)
        wait_until(lambda: model_status(pair, STARTER_ID)["active_requests"] == 1, 5, "a running request")
        time.sleep(0.4)  # some of the answer is written
        os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
        assert asked.result() == FORCED
    assert pair.status()["workers_lost"] == lost + 1
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")


def test_a_tool_call_that_breaks_off_is_finished_by_another_worker(pair):
    parameters = {"type": "object", "additionalProperties": False, "required": ["text", "times"],
                  "properties": {"text": {"type": "string", "minLength": 150, "maxLength": 260}, "times": {"type": "integer", "minimum": 1, "maximum": 9}}}
    tools = [{"type": "function", "function": {"name": "take_note", "parameters": parameters}}]
    calls, struck, reason = {}, False, None
    stream = gpt(pair).chat.completions.create(model=STARTER_ID, messages=COUNT, tools=tools, tool_choice="required", max_tokens=400,
                                               parallel_tool_calls=False, stream=True, seed=3)
    for chunk in stream:
        for piece in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(piece.index, {"ids": [], "names": [], "arguments": ""})
            call["ids"] += [piece.id] if piece.id else []
            call["names"] += [piece.function.name] if piece.function.name else []
            call["arguments"] += piece.function.arguments or ""
            if len(call["arguments"]) > 40 and not struck:
                struck = True
                os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
        reason = chunk.choices[0].finish_reason or reason
    assert struck and reason == "tool_calls"
    [call] = calls.values()
    assert len(call["ids"]) == 1 and call["names"] == ["take_note"]
    jsonschema.validate(json.loads(call["arguments"]), parameters)
    assert pair.status()["answers_continued"] == 1 and pair.status()["requests_failed"] == 0


def test_several_choices_and_a_stop_string_survive_the_kill(pair):
    stream = gpt(pair).chat.completions.create(model=STARTER_ID, messages=COUNT, n=2, max_tokens=600, temperature=0,
                                               extra_body={"grammar": GRAMMAR}, stream=True)
    texts = {0: "", 1: ""}
    for number, chunk in enumerate(stream):
        if chunk.choices:
            texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        if number == 20:
            os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
    assert texts == {0: FORCED, 1: FORCED}
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")
    text, _, reason, _ = gpt_stream(pair, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL), after=5, stop=["forty seven"])
    assert text == FORCED[: FORCED.index("forty seven")] and reason == "stop"


def test_a_hanging_workers_stream_goes_on_after_the_timeout(pair):
    stopped = worker_of(pair, STARTER_ID)
    text, _, _, pause = gpt_stream(pair, lambda: os.kill(stopped, signal.SIGSTOP))
    assert text == FORCED
    assert pause < 6  # the time-out is 2 s, looked at once a second
    wait_until(lambda: not alive(stopped), 5, "the end of the stopped worker")


def test_completions_go_on_from_text_and_from_tokens(pair):
    client = gpt(pair)

    def answer(prompt, strike=None):
        text = ""
        stream = client.completions.create(model=STARTER_ID, prompt=prompt, max_tokens=600, temperature=0,
                                           extra_body={"grammar": GRAMMAR}, stream=True)
        for number, chunk in enumerate(stream):
            text += chunk.choices[0].text if chunk.choices else ""
            if number == 8 and strike:
                strike()
        return text

    for prompt in ("One, two, three, four,", [1917, 28, 827, 28, 1296, 28]):
        wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "a loaded model")
        assert answer(prompt, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)) == FORCED


def test_without_another_model_the_lost_one_is_loaded_again_in_mid_answer(make_server):
    server = make_server()
    text, _, _, pause = gpt_stream(server, lambda: os.kill(worker_of(server, STARTER_ID), signal.SIGKILL))
    assert text == FORCED
    assert pause < 5, f"{pause:.2f} s for the load"


def test_workers_do_not_wait_long_for_a_core_that_another_one_has(pair):
    variables = Path(f"/proc/{worker_of(pair, STARTER_ID)}/environ").read_bytes().split(b"\0")
    assert [one for one in variables if one.startswith((b"GOMP_SPINCOUNT=", b"OMP_WAIT_POLICY="))]


def test_models_are_pinned_and_unpinned(pair):
    assert admin(pair, "fallback", "pin").json()["pinned"] is True
    pinned = worker_of(pair, TWIN)
    os.kill(pinned, signal.SIGKILL)
    wait_until(lambda: worker_of(pair, TWIN) not in (0, pinned) and state(pair, TWIN) == "ready", 60, "the pinned model's return")
    assert admin(pair, "fallback", "unpin").json()["pinned"] is False
    assert admin(pair, "nothing", "pin").status_code == 404


def test_alternating_models_stay_within_the_memory_limit_and_leave_nothing(tmp_path, made_variants):
    place_variants(tmp_path, made_variants, ["Q8_0"])
    limit = 450_000_000
    server = Server(tmp_path, **{"memory.limit_bytes": limit, "engine.context_tokens": 4096})
    other = variant_id("Q8_0")
    try:
        sizes = []
        with MemoryWatch(server.process.pid) as memory:
            for turn in range(200 if LONG else 12):
                model = other if turn % 2 == 0 else STARTER_ID
                answer = httpx.post(f"{server.url}/v1/chat/completions", timeout=60,
                                    json={"model": model, "messages": COUNT, "max_tokens": 4})
                assert answer.status_code == 200, answer.text
                loaded = [one["id"] for one in server.status()["models"] if one["state"] == "ready"]
                assert loaded == [model], f"turn {turn}: {loaded}"
                sizes.append(server.status()["supervisor_resident_bytes"])
        print(f"limit {limit}, most {memory.most} in {len(memory.samples)} samples; supervisor {sizes[0]} to {sizes[-1]}")
        assert memory.most <= 1.03 * limit
        assert sizes[-1] - sizes[len(sizes) // 2] < 2_000_000
        wait_until(lambda: len(children(server.process.pid)) <= 2, 10, "one worker and a spare one")
    finally:
        server.stop()
