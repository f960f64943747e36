"""The official Ollama client, unchanged, and what it does not cover."""
import json

import httpx
import ollama
import pytest
from conftest import STARTER_ID

QUESTION = [{"role": "user", "content": "Say hello."}]
BRIEF = {"num_predict": 12, "temperature": 0}


@pytest.fixture
def client(server):
    return ollama.Client(host=server.url)


def test_chat_streams_what_it_answers_plainly(client):
    client.chat(model=STARTER_ID, messages=QUESTION, options=BRIEF)  # a prompt that is read anew may be computed in another way
    plain = client.chat(model=STARTER_ID, messages=QUESTION, options=BRIEF)
    assert plain.message.role == "assistant" and plain.message.content
    assert plain.done and plain.done_reason in ("stop", "length") and plain.eval_count > 0
    assert plain.total_duration >= plain.prompt_eval_duration + plain.eval_duration > 0
    parts = list(client.chat(model=f"{STARTER_ID}:latest", messages=QUESTION, options=BRIEF, stream=True))
    assert "".join(part.message.content for part in parts) == plain.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == plain.eval_count


def test_generate_goes_on_from_its_context(client):
    first = client.generate(model="auto", prompt="My name is Ada.", options=BRIEF)
    assert first.response and first.context
    second = client.generate(model="auto", prompt="And again?", context=first.context, options=BRIEF)
    alone = client.generate(model="auto", prompt="And again?", options=BRIEF)
    assert second.prompt_eval_count > alone.prompt_eval_count + 10
    with pytest.raises(ollama.ResponseError) as foreign:
        client.generate(model="auto", prompt="x", context=[1, 2, 3])
    assert foreign.value.status_code == 400 and "context" in foreign.value.error


def test_a_raw_prompt_has_the_control_tokens_that_it_names(client):
    prompt = "<|im_start|>user\nSay hello.<|im_end|>\n<|im_start|>assistant\n"
    raw = client.generate(model="auto", prompt=prompt, raw=True, options=BRIEF)
    chat = client.chat(model="auto", messages=[{"role": "system", "content": "x"}, *QUESTION], options=BRIEF)
    assert raw.prompt_eval_count < len(prompt) / 3 < chat.prompt_eval_count + 30
    assert raw.context is None


def test_suffix_is_refused_in_words_by_a_model_that_cant_fill_in(client):
    with pytest.raises(ollama.ResponseError) as refused:
        client.generate(model="auto", prompt="def f(", suffix="return x")
    assert refused.value.status_code == 400 and "suffix" in refused.value.error


def test_embeddings_have_length_one_and_come_in_order(client):
    texts = ["The cat sleeps.", "A kitten is asleep.", "int main() { return 0; }"]
    answer = client.embed(model="auto", input=texts)
    vectors = answer.embeddings
    assert len(vectors) == 3 and len({len(vector) for vector in vectors}) == 1
    assert all(abs(sum(x * x for x in vector) - 1) < 1e-3 for vector in vectors)
    assert answer.prompt_eval_count > 10
    one = client.embed(model="auto", input=texts[1]).embeddings[0]
    assert one == pytest.approx(vectors[1], abs=1e-4)
    assert client.embeddings(model="auto", prompt=texts[0]).embedding == pytest.approx(vectors[0], abs=1e-4)
    long = "word " * 20_000
    assert len(client.embed(model="auto", input=long).embeddings) == 1
    with pytest.raises(ollama.ResponseError) as refused:
        client.embed(model="auto", input=long, truncate=False)
    assert refused.value.status_code == 400


def test_models_are_listed_shown_copied_and_deleted(client):
    names = [model.model for model in client.list().models]
    assert "auto:latest" in names and f"{STARTER_ID}:latest" in names
    shown = client.show(STARTER_ID)
    assert shown.details.format == "gguf" and shown.modelinfo["llama.context_length"] == 8192
    assert "completion" in shown.capabilities
    assert client.copy(STARTER_ID, "mine").status == "success"
    assert "mine:latest" in [model.model for model in client.list().models]
    assert client.chat(model="mine", messages=QUESTION, options=BRIEF).message.content
    assert client.delete("mine").status == "success"
    with pytest.raises(ollama.ResponseError) as gone:
        client.chat(model="mine", messages=QUESTION)
    assert gone.value.status_code == 404 and "not found" in gone.value.error


def test_keep_alive_loads_keeps_and_unloads(make_server):
    server = make_server()
    client = ollama.Client(host=server.url)
    client.generate(model=STARTER_ID, keep_alive=-1)
    [running] = client.ps().models
    assert running.size > 50_000_000 and running.expires_at.year > 2100
    client.generate(model=STARTER_ID, keep_alive="10m")
    assert client.ps().models[0].expires_at.year < 2100
    client.generate(model=STARTER_ID, keep_alive=0)
    assert client.ps().models == []
    assert client.chat(model=STARTER_ID, messages=QUESTION, options=BRIEF).message.content


def test_pulling_what_is_there_succeeds_and_what_is_unknown_says_so(client):
    assert client.pull(STARTER_ID).status == "success"
    assert [part.status for part in client.pull(STARTER_ID, stream=True)][-1] == "success"
    with pytest.raises(ollama.ResponseError) as unknown:
        client.pull("no-such-model")
    assert unknown.value.status_code == 404


def test_creating_is_refused_in_words(client):
    with pytest.raises(ollama.ResponseError) as refused:
        client.create(model="mine", from_=STARTER_ID)
    assert refused.value.status_code == 400 and "can't be created" in refused.value.error


def test_probes_are_answered_as_clients_expect(server):
    assert httpx.get(server.url).text == "Ollama is running"
    assert httpx.head(server.url).status_code == 200
    assert "<html" in httpx.get(server.url, headers={"Accept": "text/html"}).text
    version = httpx.get(f"{server.url}/api/version").json()["version"]
    assert tuple(int(part) for part in version.split(".")) >= (0, 6, 4)


UNICODE = ["🙂👩‍👩‍👧‍👦", "e\u0301 a\u0308\u0323", "שלום עולם مرحبا", "\u202eabc\u202c", "\U0010ffff", "\x00\x01"]


@pytest.mark.parametrize("text", UNICODE)
def test_any_text_goes_in_and_valid_utf8_comes_out(server, text):
    body = {"model": "auto", "messages": [{"role": "user", "content": f"Repeat: {text}"}], "options": {"num_predict": 16, "temperature": 1.5}}
    answer = httpx.post(f"{server.url}/api/chat", json=body, timeout=60)
    assert answer.status_code == 200
    for line in answer.content.decode("utf-8").splitlines():
        json.loads(line)["message"]["content"].encode("utf-8")


@pytest.mark.parametrize("path,body", [
    ("/api/chat", '{"model":"auto","messages":[{"role":"user","content":"%s"}],"options":{"num_predict":4}}'),
    ("/v1/messages", '{"model":"auto","max_tokens":4,"messages":[{"role":"user","content":"%s"}]}'),
    ("/v1/chat/completions", '{"model":"auto","max_tokens":4,"messages":[{"role":"user","content":"%s"}]}'),
    ("/v1/responses", '{"model":"auto","max_output_tokens":4,"input":"%s"}'),
    ("/v1/embeddings", '{"model":"auto","input":"%s"}'),
])
@pytest.mark.parametrize("escape", [r"\ud83d", r"\ude00\ud83d", r"a\ud800b", r"\ud83d\u0041"])
def test_lone_surrogates_are_read_as_replacement_characters(server, path, body, escape):
    answer = httpx.post(server.url + path, content=body % escape, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == 200, answer.text
    answer.content.decode("utf-8")
    assert server.health()["status"] == "ok"
