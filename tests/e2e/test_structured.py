"""Structured output and tools, on a model that could not do either on its own."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx
import jsonschema
import openai
import pytest
from random_schemas import Schemas

SCHEMAS = int(os.environ.get("PENSIEVE_TEST_SCHEMAS", "200" if os.environ.get("PENSIEVE_LONG_TESTS") else "20"))
WEATHER = {"type": "object", "additionalProperties": False, "required": ["city", "unit"],
           "properties": {"city": {"type": "string", "maxLength": 40}, "unit": {"enum": ["celsius", "fahrenheit"]},
                          "days": {"type": "integer", "minimum": 1, "maximum": 7}}}
NOTE = {"type": "object", "additionalProperties": False, "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 60}}}
FUNCTIONS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": WEATHER}},
             {"type": "function", "function": {"name": "take_note", "description": "Keeps a note", "parameters": NOTE}}]
TOOLS = [{"name": f["function"]["name"], "description": f["function"]["description"], "input_schema": f["function"]["parameters"]}
         for f in FUNCTIONS]
SCHEMA_OF = {f["function"]["name"]: f["function"]["parameters"] for f in FUNCTIONS}
ASK = [{"role": "user", "content": "What is the weather in Köln 🌧 tomorrow? Use a tool."}]


@pytest.fixture
def claude(server):
    return anthropic.Anthropic(base_url=server.url, api_key="local", max_retries=0)


@pytest.fixture
def gpt(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0, timeout=600)


def check_calls(calls):
    assert calls and len({call.id for call in calls}) == len(calls)
    for call in calls:
        jsonschema.validate(json.loads(call.function.arguments), SCHEMA_OF[call.function.name])


def test_random_schemas_are_all_kept_at_temperature_one(gpt):
    schemas = Schemas(seed=7)
    documents = [schemas.document() for _ in range(SCHEMAS)]

    def fault_of(index):
        schema = documents[index]
        answer = gpt.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Fill in the form with made-up values."}], max_tokens=300, temperature=1,
            seed=index, response_format={"type": "json_schema", "json_schema": {"name": "form", "schema": schema, "strict": True}})
        text = answer.choices[0].message.content
        try:
            jsonschema.validate(json.loads(text), schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        except (ValueError, jsonschema.ValidationError) as fault:
            return f"{index} ({answer.choices[0].finish_reason}): {fault}\n{json.dumps(schema)}\n{text}"
        return ""

    with ThreadPoolExecutor(8) as pool:
        faults = [fault for fault in pool.map(fault_of, range(len(documents))) if fault]
    assert not faults, f"{len(faults)} of {len(documents)}:\n" + "\n\n".join(faults[:5])


def test_json_mode_gives_an_object(gpt):
    answer = gpt.chat.completions.create(model="auto", messages=[{"role": "user", "content": "A person as JSON."}], max_tokens=200,
                                         response_format={"type": "json_object"}, seed=3)
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_an_answer_that_its_limit_would_cut_is_closed_and_says_so(gpt):
    schema = {"type": "object", "required": ["story", "end"], "additionalProperties": False,
              "properties": {"story": {"type": "string", "minLength": 400}, "end": {"type": "array", "items": {"type": "integer"}}}}
    long = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": {"type": "integer"}, "minItems": 20}}}
    form = lambda one: {"type": "json_schema", "json_schema": {"name": "x", "schema": one}}
    closed = gpt.chat.completions.create(model="auto", messages=ASK, max_tokens=120, response_format=form(long), seed=1)
    jsonschema.validate(json.loads(closed.choices[0].message.content), long)
    cut = gpt.chat.completions.create(model="auto", messages=ASK, max_tokens=8, response_format=form(schema), seed=1)
    assert cut.choices[0].finish_reason == "length"


def test_a_schema_that_can_not_be_kept_is_refused_by_keyword(gpt, claude):
    schema = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}
    with pytest.raises(openai.BadRequestError) as refusal:
        gpt.chat.completions.create(model="auto", messages=ASK, max_tokens=5,
                                    response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert "'not' at #/properties/a" in refusal.value.message and refusal.value.param == "response_format"
    with pytest.raises(anthropic.BadRequestError, match="'not' at #/properties/a"):
        claude.messages.create(model="auto", messages=ASK, max_tokens=5,
                               extra_body={"output_format": {"type": "json_schema", "schema": schema}})


def test_a_grammar_is_kept(server):
    body = {"model": "auto", "messages": ASK, "max_tokens": 20, "grammar": 'root ::= ("yes" | "no") "!"'}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=60).json()
    assert answer["choices"][0]["message"]["content"] in ("yes!", "no!") and answer["choices"][0]["finish_reason"] == "stop"
    refused = httpx.post(f"{server.url}/v1/chat/completions", json={**body, "grammar": "root ::= nothing"}, timeout=60)
    assert refused.status_code == 400 and "'nothing'" in refused.json()["error"]["message"]


def test_openai_forced_calls_make_the_round_trip(gpt):
    named = {"type": "function", "function": {"name": "take_note"}}
    for choice in ("required", named):
        answer = gpt.chat.completions.create(model="auto", messages=ASK, tools=FUNCTIONS, tool_choice=choice, max_tokens=400, seed=2,
                                             parallel_tool_calls=False)  # else it calls on until its tokens are used up
        assert answer.choices[0].finish_reason == "tool_calls" and not answer.choices[0].message.content
        calls = answer.choices[0].message.tool_calls
        check_calls(calls)
        if choice is named:
            assert {call.function.name for call in calls} == {"take_note"}
        results = [{"role": "tool", "tool_call_id": call.id, "content": "rain 🌧"} for call in calls]
        turns = [*ASK, answer.choices[0].message.model_dump(exclude_none=True), *results]
        final = gpt.chat.completions.create(model="auto", messages=turns, tools=FUNCTIONS, tool_choice="none", max_tokens=16)
        assert final.choices[0].message.content and not final.choices[0].message.tool_calls


def test_openai_streams_calls_in_pieces(gpt):
    chunks = list(gpt.chat.completions.create(model="auto", messages=ASK, tools=FUNCTIONS, tool_choice="required", max_tokens=400, seed=5,
                                              parallel_tool_calls=False, stream=True))
    calls = {}
    for chunk in chunks:
        for piece in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(piece.index, {"id": piece.id, "name": piece.function.name, "arguments": ""})
            call["arguments"] += piece.function.arguments or ""
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    for call in calls.values():
        jsonschema.validate(json.loads(call["arguments"]), SCHEMA_OF[call["name"]])
    assert sum(bool(chunk.choices[0].delta.tool_calls) for chunk in chunks) > 2, "arguments come as they are written"


def test_parallel_calls_can_be_switched_off(gpt, claude):
    for seed in range(4):
        answer = gpt.chat.completions.create(model="auto", messages=ASK, tools=FUNCTIONS, tool_choice="required", max_tokens=400, seed=seed,
                                             parallel_tool_calls=False)
        assert len(answer.choices[0].message.tool_calls) == 1
    answer = claude.messages.create(model="auto", messages=ASK, tools=TOOLS, max_tokens=400,
                                    tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert [block.type for block in answer.content] == ["tool_use"]


def test_anthropic_forced_calls_make_the_round_trip_with_errors(claude):
    answer = claude.messages.create(model="auto", messages=ASK, tools=TOOLS, max_tokens=400,
                                    tool_choice={"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True})
    assert answer.stop_reason == "tool_use"
    uses = [block for block in answer.content if block.type == "tool_use"]
    assert uses and all(use.id.startswith("toolu_") for use in uses)
    for use in uses:
        jsonschema.validate(use.input, WEATHER)
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "no such city", "is_error": True} for use in uses]
    final = claude.messages.create(model="auto", messages=[*ASK, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}],
                                   tools=TOOLS, tool_choice={"type": "none"}, max_tokens=16)
    assert final.content[0].type == "text"


def test_anthropics_tool_runner_goes_on_with_the_whole_conversation(claude):
    called = []

    @anthropic.beta_tool
    def add(a: int, b: int) -> str:
        """Adds two numbers."""
        called.append((a, b))
        return str(a + b)

    runner = claude.beta.messages.tool_runner(model="auto", max_tokens=200, tools=[add], tool_choice={"type": "tool", "name": "add"},
                                              messages=[{"role": "user", "content": "Add 2 and 3."}], max_iterations=2)
    messages = list(runner)
    assert [message.stop_reason for message in messages] == ["tool_use"] * 2 and called
    assert messages[1].usage.input_tokens + messages[1].usage.cache_read_input_tokens > messages[0].usage.input_tokens


def test_anthropic_streams_calls_as_partial_json(claude):
    with claude.messages.stream(model="auto", messages=ASK, tools=TOOLS, max_tokens=400,
                                tool_choice={"type": "any", "disable_parallel_tool_use": True}) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert "input_json" in kinds and final.stop_reason == "tool_use"
    for block in final.content:
        jsonschema.validate(block.input, SCHEMA_OF[block.name])


def test_a_call_begun_by_the_model_itself_is_held_to_the_tool(gpt):
    """With the beginning of a call as the answer's likely next words, what follows is forced."""
    example = [{"role": "user", "content": "Weather in Paris?"},
               {"role": "assistant", "content": None, "tool_calls": [
                   {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris", "unit": "celsius"}'}}]},
               {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    turns = example * 4 + [{"role": "user", "content": "Weather in Rome?"}]
    called = 0
    for seed in range(6):
        answer = gpt.chat.completions.create(model="auto", messages=turns, tools=FUNCTIONS, max_tokens=300, seed=seed, temperature=0.7)
        if answer.choices[0].message.tool_calls:
            called += 1
            assert answer.choices[0].finish_reason == "tool_calls"
            check_calls(answer.choices[0].message.tool_calls)
        else:
            assert "<tool_call>" not in answer.choices[0].message.content
    assert called, "the model never called of its own accord"


def test_an_unfinished_call_is_said_to_be_cut(gpt, claude):
    wide = [{"type": "function", "function": {"name": "take_note", "parameters": {
        "type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 900}}}}}]
    answer = gpt.chat.completions.create(model="auto", messages=ASK, tools=wide, tool_choice="required", max_tokens=30)
    assert answer.choices[0].finish_reason == "length"
    tools = [{"name": "take_note", "input_schema": wide[0]["function"]["parameters"]}]
    message = claude.messages.create(model="auto", messages=ASK, tools=tools, tool_choice={"type": "any"}, max_tokens=30)
    assert message.stop_reason == "max_tokens"
