"""Frameworks on top of the clients, as their documentation says to set them up."""
import litellm
import pytest
from conftest import STARTER_ID
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

litellm.telemetry = False


DIALECTS = ["openai", "anthropic", "responses"]


def make_model(server, dialect, max_tokens):
    settings = {"model": "auto", "api_key": "local", "max_tokens": max_tokens, "temperature": 0, "max_retries": 0}
    if dialect == "anthropic":
        return ChatAnthropic(base_url=server.url, **settings)
    return ChatOpenAI(base_url=f"{server.url}/v1", stream_usage=True, use_responses_api=dialect == "responses", **settings)


@pytest.fixture(params=DIALECTS)
def chat_model(request, server):
    return make_model(server, request.param, 12)


def test_langchain_streams_what_it_answers_plainly(chat_model):
    def text(message):
        return message.content if isinstance(message.content, str) else "".join(part.get("text", "") for part in message.content)

    plain = chat_model.invoke("Say hello.")
    assert text(plain) and plain.usage_metadata["output_tokens"] > 0
    chunks = list(chat_model.stream([("system", "Be brief."), ("human", "Say hello.")]))
    assert "".join(text(chunk) for chunk in chunks) == text(chat_model.invoke([("system", "Be brief."), ("human", "Say hello.")]))


class Forecast(BaseModel):
    """The weather of some days."""
    city: str = Field(max_length=20)
    days: int = Field(ge=1, le=7)


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_langchain_gets_objects_of_the_asked_type(server, dialect, method):
    asked = make_model(server, dialect, 200).with_structured_output(Forecast, method=method)
    assert isinstance(asked.invoke("Weather in Rome for 3 days?"), Forecast)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_langchain_calls_tools_and_takes_their_results(server, dialect):
    model = make_model(server, dialect, 200)
    messages = [HumanMessage("Weather in Rome for 3 days?")]
    called = None
    for chunk in model.bind_tools([Forecast], tool_choice="Forecast").stream(messages):
        called = chunk if called is None else called + chunk
    Forecast.model_validate(called.tool_calls[0]["args"])
    assert called.usage_metadata["output_tokens"] > 0
    results = [ToolMessage("no network", tool_call_id=call["id"], status="error") for call in called.tool_calls]
    answer = model.bind_tools([Forecast], tool_choice="none" if dialect != "anthropic" else {"type": "none"}).invoke([*messages, called, *results])
    assert not answer.tool_calls and answer.usage_metadata["output_tokens"] > 0


def test_langchain_embeds(server):
    embeddings = OpenAIEmbeddings(model="auto", base_url=f"{server.url}/v1", api_key="local", check_embedding_ctx_length=False)
    vectors = embeddings.embed_documents(["one", "two"])
    assert len(vectors) == 2 and embeddings.embed_query("one") == pytest.approx(vectors[0], abs=1e-4)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama_chat", "ollama"])
def test_litellm_speaks_every_dialect(server, provider):
    base = f"{server.url}/v1" if provider == "openai" else server.url
    arguments = {"model": f"{provider}/{STARTER_ID}", "api_base": base, "api_key": "local", "max_tokens": 12, "temperature": 0,
                 "messages": [{"role": "user", "content": "Say hello."}]}
    plain = litellm.completion(**arguments)
    assert plain.choices[0].message.content and plain.usage.completion_tokens > 0
    # The words may differ: the second request finds its prompt in the cache.
    chunks = list(litellm.completion(**arguments, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_litellm_embeds(server, provider):
    base = f"{server.url}/v1" if provider == "openai" else server.url
    answer = litellm.embedding(model=f"{provider}/{STARTER_ID}", input=["one", "two"], api_base=base, api_key="local")
    assert len(answer.data) == 2 and len(answer.data[0]["embedding"]) == 576
