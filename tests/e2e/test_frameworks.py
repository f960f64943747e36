"""Frameworks on top of the clients, as their documentation says to set them up."""
import litellm
import pytest
from conftest import STARTER_ID
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

litellm.telemetry = False


@pytest.fixture(params=["openai", "anthropic", "responses"])
def chat_model(request, server):
    if request.param == "anthropic":
        return ChatAnthropic(model="auto", base_url=server.url, api_key="local", max_tokens=12, temperature=0, max_retries=0)
    return ChatOpenAI(model="auto", base_url=f"{server.url}/v1", api_key="local", max_tokens=12, temperature=0, max_retries=0,
                      use_responses_api=request.param == "responses")


def test_langchain_streams_what_it_answers_plainly(chat_model):
    def text(message):
        return message.content if isinstance(message.content, str) else "".join(part.get("text", "") for part in message.content)

    plain = chat_model.invoke("Say hello.")
    assert text(plain) and plain.usage_metadata["output_tokens"] > 0
    chunks = list(chat_model.stream([("system", "Be brief."), ("human", "Say hello.")]))
    assert "".join(text(chunk) for chunk in chunks) == text(chat_model.invoke([("system", "Be brief."), ("human", "Say hello.")]))


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
