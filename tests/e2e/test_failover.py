"""Answers that go on when their worker is killed, hangs or has to leave: real processes, official clients."""
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

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


def gpt_stream(server, strike=None, after=10, **options):
    """The text, the last chunk with usage, and the longest pause after `strike()`."""
    options = {"max_tokens": 60, "temperature": 0, "logit_bias": ENDLESS, **options}
    text, usage, reason, struck, pause = "", None, None, None, 0.0
    stream = gpt(server).chat.completions.create(model=STARTER_ID, messages=COUNT, stream=True,
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
    whole, usage, _, _ = gpt_stream(pair)
    # Where the break falls into a word its text is read in other tokens than it was written in, and greedy
    # answers may differ from there: seldom three times in a row.
    for _ in range(3):
        text, cut_usage, reason, pause = gpt_stream(pair, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL))
        wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")
        if text == whole:
            break
    assert text == whole and reason == "length"
    assert cut_usage.completion_tokens == usage.completion_tokens == 60
    assert cut_usage.prompt_tokens == usage.prompt_tokens
    print(f"{pause:.2f} s until the first new token")
    assert pause < 5  # the goal is 1 s on a quiet machine
    status = pair.status()
    assert 1 <= status["answers_continued"] == status["workers_lost"] and status["requests_failed"] == 0


def test_a_killed_workers_anthropic_stream_goes_on_without_a_seam(pair):
    def answer(strike=None):
        with claude(pair).messages.stream(model=STARTER_ID, max_tokens=60, messages=COUNT, extra_body={"temperature": 0}) as stream:
            for number, _ in enumerate(stream.text_stream):
                if number == 2 and strike:
                    strike()
            return stream.get_final_message()

    whole = answer()
    cut = answer(lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL))
    assert cut.content == whole.content and cut.stop_reason == whole.stop_reason
    assert cut.usage.output_tokens == whole.usage.output_tokens
    assert pair.status()["answers_continued"] == 1


@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_an_answer_that_is_not_streamed_survives_the_kill(pair, client):
    def answer():
        if client == "openai":
            done = gpt(pair).chat.completions.create(model=STARTER_ID, messages=COUNT, max_tokens=100, temperature=0,
                                                     logit_bias=ENDLESS)
            return done.choices[0].message.content
        return claude(pair).messages.create(model=STARTER_ID, max_tokens=100, messages=COUNT,
                                            extra_body={"temperature": 0}).content[0].text

    whole = answer()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):  # as above: where the break falls into a word, greedy answers may differ from there
            asked = pool.submit(answer)
            wait_until(lambda: model_status(pair, STARTER_ID)["active_requests"] == 1, 5, "a running request")
            time.sleep(0.4)  # some of the answer is written
            os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
            text = asked.result()
            wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")
            if text == whole:
                break
    assert text == whole


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
    stream = gpt(pair).chat.completions.create(model=STARTER_ID, messages=COUNT, n=2, max_tokens=40, temperature=0,
                                               logit_bias=ENDLESS, stream=True)
    texts = {0: "", 1: ""}
    for number, chunk in enumerate(stream):
        if chunk.choices:
            texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        if number == 20:
            os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)
    whole, *_ = gpt_stream(pair, max_tokens=40)
    assert all(text[:12] == whole[:12] and len(text) > 20 for text in texts.values()), (texts, whole)
    wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "the lost model's return")
    stop = whole[len(whole) // 2 :][:4]
    text, _, reason, _ = gpt_stream(pair, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL), after=5, stop=[stop])
    # What was held back as the possible beginning of the stop string is written anew, in other tokens perhaps.
    assert stop not in text and reason in ("stop", "length")


def test_a_hanging_workers_stream_goes_on_after_the_timeout(pair):
    whole, *_ = gpt_stream(pair)
    stopped = worker_of(pair, STARTER_ID)
    text, _, _, pause = gpt_stream(pair, lambda: os.kill(stopped, signal.SIGSTOP))
    assert text == whole
    assert pause < 6  # the time-out is 2 s, looked at once a second
    wait_until(lambda: not alive(stopped), 5, "the end of the stopped worker")


def test_completions_go_on_from_text_and_from_tokens(pair):
    client = gpt(pair)

    def answer(prompt, strike=None):
        text = ""
        stream = client.completions.create(model=STARTER_ID, prompt=prompt, max_tokens=40, temperature=0, logit_bias=ENDLESS, stream=True)
        for number, chunk in enumerate(stream):
            text += chunk.choices[0].text if chunk.choices else ""
            if number == 8 and strike:
                strike()
        return text

    for prompt in ("One, two, three, four,", [1917, 28, 827, 28, 1296, 28]):
        whole = answer(prompt)
        wait_until(lambda: state(pair, STARTER_ID) == "ready", 60, "a loaded model")
        assert answer(prompt, lambda: os.kill(worker_of(pair, STARTER_ID), signal.SIGKILL)) == whole


def test_without_another_model_the_lost_one_is_loaded_again_in_mid_answer(make_server):
    server = make_server()
    whole, *_ = gpt_stream(server)
    text, _, _, pause = gpt_stream(server, lambda: os.kill(worker_of(server, STARTER_ID), signal.SIGKILL))
    assert text == whole
    assert pause < 5, f"{pause:.2f} s for the load"


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
