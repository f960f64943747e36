"""The official Python clients, unchanged."""
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx
import openai
import pytest
from conftest import STARTER_ID, wait_until

QUESTION = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def claude(server):
    return anthropic.Anthropic(base_url=server.url, api_key="local", max_retries=0)


@pytest.fixture
def gpt(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0)


def test_anthropic_answers_and_counts_tokens_exactly(claude):
    answer = claude.messages.create(model="claude-sonnet-4", max_tokens=16, messages=QUESTION, system="Be brief.")
    assert answer.type == "message" and answer.role == "assistant" and answer.id.startswith("msg_")
    assert answer.model == STARTER_ID and answer.content[0].text
    counted = claude.messages.count_tokens(model="auto", messages=QUESTION, system="Be brief.").input_tokens
    assert answer.usage.input_tokens + answer.usage.cache_read_input_tokens == counted


def test_anthropic_stream_has_the_official_sequence_of_events(claude):
    with claude.messages.stream(model="auto", max_tokens=12, messages=QUESTION, extra_body={"temperature": 0}) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    official = [kind for kind in kinds if kind not in ("text", "ping")]
    assert official[:2] == ["message_start", "content_block_start"]
    assert official[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(official[2:-3]) == {"content_block_delta"}
    plain = claude.messages.create(model="auto", max_tokens=12, messages=QUESTION, extra_body={"temperature": 0})
    assert final.content[0].text == plain.content[0].text
    assert final.stop_reason == "max_tokens" and final.usage.output_tokens == 12


def test_stop_sequences_end_the_answer_and_are_named(claude, gpt):
    count = [{"role": "user", "content": "Count: 1, 2, 3, 4, 5, 6, 7, 8, 9"}]
    whole = claude.messages.create(model="auto", max_tokens=40, messages=count, extra_body={"temperature": 0}).content[0].text
    stop = whole[len(whole) // 2 :][:3]
    cut = claude.messages.create(model="auto", max_tokens=40, messages=count, extra_body={"temperature": 0}, stop_sequences=[stop])
    assert cut.stop_reason == "stop_sequence" and cut.stop_sequence == stop
    assert cut.content[0].text == whole[: whole.index(stop)]
    same = gpt.chat.completions.create(model="auto", max_tokens=40, messages=count, temperature=0, stop=stop)
    assert same.choices[0].message.content == whole[: whole.index(stop)]
    assert same.choices[0].finish_reason == "stop"


def test_a_prefilled_answer_is_continued_and_not_repeated(claude):
    messages = [*QUESTION, {"role": "assistant", "content": "Bonjour, mon"}]
    answer = claude.messages.create(model="auto", max_tokens=6, messages=messages, extra_body={"temperature": 0})
    assert not answer.content[0].text.startswith("Bonjour")


def test_openai_streams_what_it_answers_plainly(gpt):
    plain = gpt.chat.completions.create(model="gpt-4o", messages=QUESTION, max_tokens=12, temperature=0)
    chunks = list(gpt.chat.completions.create(model="gpt-4o", messages=QUESTION, max_tokens=12, temperature=0,
                                              stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.created for chunk in chunks}) == 1 and len({chunk.id for chunk in chunks}) == 1
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == plain.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 12
    assert chunks[-1].usage.prompt_tokens == plain.usage.prompt_tokens


def test_conversations_with_a_system_prompt_go_on_from_what_was_read(claude, gpt):
    rules = "You are a patient teacher who answers in one short sentence."
    first = claude.messages.create(model="auto", max_tokens=8, messages=QUESTION, system=rules)
    turns = [*QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And again, please."}]
    second = claude.messages.create(model="auto", max_tokens=8, messages=turns, system=[{"type": "text", "text": rules}])
    assert second.usage.cache_read_input_tokens > first.usage.cache_read_input_tokens
    chat = [{"role": "developer", "content": rules}, *QUESTION]
    answer = gpt.chat.completions.create(model="auto", messages=chat, max_completion_tokens=8)
    assert answer.usage.completion_tokens <= 8
    chat += [answer.choices[0].message, {"role": "user", "content": "And again, please."}]
    more = gpt.chat.completions.create(model="auto", messages=chat, max_completion_tokens=8)
    assert more.usage.prompt_tokens > answer.usage.prompt_tokens and more.usage.prompt_tokens_details.cached_tokens > 0


def test_seeds_repeat_an_answer_and_choices_of_one_stream_differ(gpt):
    def ask(**more):
        return gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=12, temperature=1, **more)

    ask(seed=5)  # from now on the prompt lies where it is, and is not computed in another way
    assert ask(seed=5).choices[0].message.content == ask(seed=5).choices[0].message.content
    texts, roles, ended = [""] * 3, [], []
    for chunk in ask(seed=5, n=3, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            roles += [choice.index] if choice.delta.role else []
            ended += [choice.index] if choice.finish_reason else []
    assert sorted(roles) == sorted(ended) == [0, 1, 2] and len(set(texts)) > 1
    whole = ask(seed=5, n=3)
    assert len({choice.message.content for choice in whole.choices}) > 1
    assert chunk.usage.prompt_tokens == whole.usage.prompt_tokens == ask().usage.prompt_tokens


def test_logit_biases_are_applied_and_unknown_tokens_refused(gpt):
    forced = gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4, logprobs=True, logit_bias={"300": 100})
    assert len({entry.token for entry in forced.choices[0].logprobs.content}) == 1
    assert len(forced.choices[0].logprobs.content) == 4
    with pytest.raises(openai.BadRequestError) as unknown:
        gpt.chat.completions.create(model="auto", messages=QUESTION, logit_bias={"99999999": 1})
    assert unknown.value.param == "logit_bias"


def test_legacy_completions_stream_with_log_probabilities(gpt):
    arguments = {"model": "auto", "prompt": "One two three", "max_tokens": 5, "temperature": 0, "logprobs": 2}
    plain = gpt.completions.create(**arguments).choices[0]
    chunks = [chunk.choices[0] for chunk in gpt.completions.create(**arguments, stream=True)]
    assert "".join(chunk.text for chunk in chunks) == plain.text == "".join(plain.logprobs.tokens)
    assert [offset for chunk in chunks if chunk.logprobs for offset in chunk.logprobs.text_offset] == plain.logprobs.text_offset
    assert [plain.text[offset:].startswith(token) for offset, token in zip(plain.logprobs.text_offset, plain.logprobs.tokens)] == [True] * 5


def test_an_echoed_prompt_has_the_probabilities_that_its_tokens_were_written_with(gpt):
    written = gpt.completions.create(model="auto", prompt="One two three four", max_tokens=12, temperature=0, logprobs=1, logit_bias={"0": -100, "2": -100})
    text, own = "One two three four" + written.choices[0].text, written.choices[0].logprobs.token_logprobs
    for most in (0, 1):
        scored = gpt.completions.create(model="auto", prompt=text, max_tokens=most, temperature=0, logprobs=2, echo=True)
        found = scored.choices[0].logprobs
        assert scored.choices[0].text.startswith(text) and "".join(found.tokens) == scored.choices[0].text
        assert scored.usage.prompt_tokens + scored.usage.completion_tokens == len(found.tokens)
        assert found.token_logprobs[0] is None and found.top_logprobs[0] is None
        assert all(value <= 0 for value in found.token_logprobs[1:]) and all(len(one) >= 1 for one in found.top_logprobs[1:])
        # Where the text is read in the tokens that it was written in, as nearly always, up to the order of additions.
        if scored.usage.prompt_tokens == written.usage.prompt_tokens + 12:
            again = found.token_logprobs[written.usage.prompt_tokens : scored.usage.prompt_tokens]
            assert again == pytest.approx(own, abs=0.4)
    tokens = gpt.completions.create(model="auto", prompt=[[1000, 1001, 1002], [1003]], max_tokens=1, logprobs=1, echo=True)
    assert [len(choice.logprobs.tokens) for choice in tokens.choices] == [4, 2]
    chunks = list(gpt.completions.create(model="auto", prompt=text, max_tokens=2, temperature=0, logprobs=1, echo=True, stream=True))
    assert chunks[0].choices[0].text == text and chunks[0].choices[0].logprobs.token_logprobs[0] is None


def test_openai_log_probabilities_choices_and_legacy_completions(gpt):
    answer = gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4, n=2, logprobs=True,
                                         top_logprobs=3, temperature=0)
    assert len(answer.choices) == 2 and answer.choices[0].message.content == answer.choices[1].message.content
    first = answer.choices[0].logprobs.content[0]
    assert len(first.top_logprobs) == 3 and first.token == first.top_logprobs[0].token and first.logprob <= 0
    legacy = gpt.completions.create(model="auto", prompt="One two three", max_tokens=5, echo=True, temperature=0)
    assert legacy.choices[0].text.startswith("One two three") and legacy.usage.completion_tokens == 5


def test_eight_requests_at_once_are_answered_in_both_dialects_streamed_and_not(claude, gpt):
    def ask(number):
        messages = [{"role": "user", "content": f"Tell me about the number {number}."}]
        if number % 4 == 0:
            return claude.messages.create(model="auto", messages=messages, max_tokens=16).usage.output_tokens
        if number % 4 == 1:
            with claude.messages.stream(model="auto", messages=messages, max_tokens=16) as stream:
                return stream.get_final_message().usage.output_tokens
        if number % 4 == 2:
            return gpt.chat.completions.create(model="auto", messages=messages, max_tokens=16).usage.completion_tokens
        chunks = gpt.chat.completions.create(model="auto", messages=messages, max_tokens=16, stream=True,
                                             stream_options={"include_usage": True})
        return list(chunks)[-1].usage.completion_tokens

    with ThreadPoolExecutor(8) as pool:
        assert all(0 < tokens <= 16 for tokens in pool.map(ask, range(8)))


def leave_openai(claude, gpt, **more):
    stream = gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=4000, stream=True, temperature=0, **more)
    next(iter(stream))
    stream.close()


def leave_anthropic(claude, gpt):
    with claude.messages.stream(model="auto", messages=QUESTION, max_tokens=4000, extra_body={"temperature": 0}) as stream:
        next(iter(stream.text_stream))


def leave_several_choices(claude, gpt):
    leave_openai(claude, gpt, n=4)


@pytest.mark.parametrize("leave", [leave_openai, leave_anthropic, leave_several_choices])
def test_a_client_that_leaves_in_mid_stream_frees_its_place_at_once(server, claude, gpt, leave):
    leave(claude, gpt)
    wait_until(lambda: server.status()["models"][0]["active_requests"] == 0, 5, "an idle model")
    assert gpt.chat.completions.create(model="auto", messages=QUESTION, max_tokens=2).choices[0].message.content


def test_wrong_keys_and_oversized_bodies_are_the_clients_own_errors(server, keyed_server):
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        anthropic.Anthropic(base_url=keyed_server.url, api_key="wrong", max_retries=0).messages.create(
            model="auto", max_tokens=4, messages=QUESTION)
    assert wrong.value.body["error"]["type"] == "authentication_error" and wrong.value.request_id
    with pytest.raises(openai.AuthenticationError) as wrong:
        openai.OpenAI(base_url=f"{keyed_server.url}/v1", api_key="wrong", max_retries=0).models.list()
    assert wrong.value.code == "invalid_api_key" and wrong.value.request_id
    right = openai.OpenAI(base_url=f"{keyed_server.url}/v1", api_key="secret", max_retries=0)
    assert right.chat.completions.create(model="auto", messages=QUESTION, max_tokens=2).choices
    huge = [{"role": "user", "content": "x" * 40_000_000}]
    with pytest.raises(anthropic.APIStatusError) as large:
        anthropic.Anthropic(base_url=server.url, api_key="local", max_retries=0).messages.create(model="auto", max_tokens=4, messages=huge)
    assert large.value.status_code == 413 and large.value.body["error"]["type"] == "request_too_large"
    with pytest.raises(openai.APIStatusError) as large:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0).chat.completions.create(model="auto", messages=huge)
    assert large.value.status_code == 413 and large.value.code == "request_too_large"


def test_models_are_listed_in_both_shapes(server, claude, gpt):
    assert STARTER_ID in [model.id for model in gpt.models.list()]
    assert STARTER_ID in [model.id for model in claude.models.list()]
    assert gpt.models.retrieve(STARTER_ID).object == "model"
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("none")


def test_unknown_models_and_long_prompts_get_each_apis_own_error(claude, gpt):
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="none", max_tokens=5, messages=QUESTION)
    with pytest.raises(openai.NotFoundError) as unknown:
        gpt.chat.completions.create(model="none", messages=QUESTION)
    assert unknown.value.code == "model_not_found"
    long = [{"role": "user", "content": "word " * 20_000}]
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > \d+ maximum"):
        claude.messages.create(model="auto", max_tokens=5, messages=long)
    with pytest.raises(openai.BadRequestError) as overflow:
        gpt.chat.completions.create(model="auto", messages=long)
    assert overflow.value.code == "context_length_exceeded"


def test_claude_codes_own_shape_is_taken_and_its_changing_line_keeps_the_cache(server):
    def body(changing):
        return {"model": "claude-sonnet-4", "max_tokens": 8, "metadata": {"user_id": "x"}, "tools": [],
                "thinking": {"type": "adaptive"}, "context_management": {"edits": []},
                "system": [{"type": "text", "text": f"x-anthropic-billing-header: cch={changing};"},
                           {"type": "text", "text": "You are a careful assistant. " * 20,
                            "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]},
                             {"role": "system", "content": "Today is Monday."}]}

    headers = {"authorization": "Bearer local", "anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"}
    answers = [httpx.post(f"{server.url}/v1/messages?beta=true", json=body(line), headers=headers, timeout=60).json()
               for line in ("11111", "22222")]
    assert answers[1]["usage"]["cache_read_input_tokens"] > 100, answers
    assert httpx.post(f"{server.url}/api/event_logging/batch", json={}).status_code == 200
    assert httpx.head(f"{server.url}/").status_code == 200
