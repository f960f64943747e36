"""OpenAI's Responses API and embeddings with the official client, unchanged."""
import openai
import pytest
from conftest import STARTER_ID


@pytest.fixture
def gpt(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="local", max_retries=0)


def dot(one, other):
    return sum(x * y for x, y in zip(one, other))


def ask(gpt, **more):
    return gpt.responses.create(**{"model": "auto", "input": "Say hello.", "max_output_tokens": 12, "temperature": 0, **more})


def test_a_response_streams_what_it_answers_plainly(gpt):
    plain = ask(gpt)
    assert plain.id.startswith("resp_") and plain.model == STARTER_ID and plain.output_text
    assert plain.usage.input_tokens > 0 and plain.usage.output_tokens <= 12
    events = list(ask(gpt, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == plain.output_text
    assert events[-1].response.output_text == plain.output_text
    assert events[-1].response.usage.output_tokens == plain.usage.output_tokens


def test_the_clients_own_stream_helper_reads_it(gpt):
    question = {"instructions": "You are a helpful assistant.", "input": "What is the capital of France?", "max_output_tokens": 200}
    with gpt.responses.stream(model="auto", temperature=0, **question) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert "response.output_text.delta" in kinds
    assert final.output_text == ask(gpt, **question).output_text


def test_a_cut_answer_is_incomplete(gpt):
    cut = ask(gpt, input="Count from 1 to 100.", max_output_tokens=5)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"


def test_previous_response_id_carries_the_conversation(gpt):
    first = ask(gpt, input="My name is Ada.", instructions="Be brief.")
    second = ask(gpt, input="And again?", previous_response_id=first.id)
    alone = ask(gpt, input="And again?")
    assert second.previous_response_id == first.id and second.usage.input_tokens > alone.usage.input_tokens
    kept = gpt.responses.retrieve(first.id)
    assert kept.output_text == first.output_text
    assert [item.content[0].text for item in gpt.responses.input_items.list(first.id)] == ["My name is Ada."]
    gpt.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        gpt.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        ask(gpt, previous_response_id=first.id)
    assert ask(gpt, previous_response_id=second.id, input="More.").output_text


def test_errors_have_the_official_shape(gpt):
    with pytest.raises(openai.BadRequestError) as wrong:
        ask(gpt, temperature=9)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        ask(gpt, input="word " * 20_000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError):
        ask(gpt, model="no-such-model")


def test_embeddings_as_floats_and_base64_are_the_same(gpt):
    texts = ["The cat sleeps.", "A kitten is asleep.", "int main() { return 0; }"]
    coded = gpt.embeddings.create(model="auto", input=texts)  # the client asks for base64
    plain = gpt.embeddings.create(model="auto", input=texts, encoding_format="float")
    for one, other in zip(coded.data, plain.data):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    cat, kitten, code = (item.embedding for item in plain.data)
    assert dot(cat, cat) == pytest.approx(1, abs=1e-3)
    assert dot(cat, kitten) > dot(cat, code)
    assert plain.usage.prompt_tokens == plain.usage.total_tokens > 10
    assert plain.model == STARTER_ID


def test_embeddings_of_tokens_of_many_inputs_and_of_wrong_ones(gpt):
    tokens = gpt.embeddings.create(model="auto", input=[[100, 200, 300]])
    assert tokens.usage.prompt_tokens == 3
    many = gpt.embeddings.create(model="auto", input=[f"text {i}" for i in range(40)])
    assert [item.index for item in many.data] == list(range(40))
    width = len(many.data[0].embedding)
    assert gpt.embeddings.create(model="auto", input="x", dimensions=width).data
    with pytest.raises(openai.BadRequestError) as short:
        gpt.embeddings.create(model="auto", input="x", dimensions=width // 2)
    assert short.value.param == "dimensions"
    with pytest.raises(openai.BadRequestError) as long:
        gpt.embeddings.create(model="auto", input="word " * 20_000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        gpt.embeddings.create(model="auto", input=[[99_999_999]])
