"""Models made for embeddings, and one that can fill in the middle: small files made here, served by the real binary."""
import math
import shutil
from pathlib import Path

import httpx
import openai
import own_models
import pytest
from conftest import MODELS, STARTER, STARTER_ID, Server

EMBEDDING = ["tiny-bert", "tiny-bert-cls", "tiny-bert-unsaid", "tiny-nomic", "tiny-gemma"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("embedding")
    models = home / "models"
    models.mkdir()
    shutil.copy(MODELS / STARTER, models / STARTER)
    own_models.write_bert(models / "tiny-bert.gguf")
    own_models.write_bert(models / "tiny-bert-cls.gguf", own_models.CLS)
    own_models.write_bert(models / "tiny-bert-unsaid.gguf", None)
    own_models.write_bert(models / "tiny-ranker.gguf", own_models.RANK)
    own_models.write_nomic_bert(models / "tiny-nomic.gguf")
    own_models.write_gemma_embedding(models / "tiny-gemma.gguf")
    own_models.copy_with(MODELS / STARTER, models / "starter-infill.gguf", {
        "tokenizer.ggml.fim_pre_token_id": 6, "tokenizer.ggml.fim_suf_token_id": 7, "tokenizer.ggml.fim_mid_token_id": 8},
        texts={"general.name": "Starter that fills in"})
    running = Server(home)
    yield running
    running.stop()


@pytest.fixture
def gpt(served):
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="local", max_retries=0)


def vectors(gpt, model, texts, **more):
    return [entry.embedding for entry in gpt.embeddings.create(model=model, input=texts, **more).data]


def likeness(a, b):
    return sum(x * y for x, y in zip(a, b))


@pytest.mark.parametrize("model", EMBEDDING)
def test_vectors_of_length_one_that_say_what_the_text_says(gpt, model):
    one, same, other = vectors(gpt, model, ["the cat sat on the mat", "the cat sat on the mat", "moon sea"])
    assert len(one) == own_models.WIDTH and math.isclose(likeness(one, one), 1, abs_tol=1e-4)
    assert likeness(one, same) > 0.9999 > likeness(one, other) + 0.01
    # Alone or beside others, as numbers or as base64, by each API.
    alone = vectors(gpt, model, "moon sea", encoding_format="float")[0]
    assert likeness(other, alone) > 0.9999


def test_vectors_are_pooled_as_the_file_says(gpt):
    text = "the cat sat on the mat"
    mean, first, unsaid = (vectors(gpt, model, text)[0] for model in ("tiny-bert", "tiny-bert-cls", "tiny-bert-unsaid"))
    assert likeness(mean, unsaid) > 0.9999  # the same model, whose mean is taken where nothing is said
    assert likeness(mean, first) < 0.999


def test_texts_up_to_the_models_length_and_no_longer(served, gpt):
    assert gpt.embeddings.create(model="tiny-bert", input="cat " * 250).usage.prompt_tokens == 252
    with pytest.raises(openai.BadRequestError, match="too long: 302 tokens > 256 maximum"):
        gpt.embeddings.create(model="tiny-bert", input="cat " * 300)
    assert gpt.embeddings.create(model="tiny-nomic", input="cat " * 2000).usage.prompt_tokens == 2002
    body = {"model": "tiny-bert", "input": ["cat " * 300, "cat " * 400, "dog"]}
    cut = httpx.post(f"{served.url}/api/embed", json=body, timeout=60).json()
    assert cut["prompt_eval_count"] == 256 + 256 + 3
    assert likeness(cut["embeddings"][0], cut["embeddings"][1]) > 0.9999 > likeness(cut["embeddings"][0], cut["embeddings"][2])


def test_embeddings_that_are_left_to_the_server_are_made_by_a_model_for_them(gpt):
    answer = gpt.embeddings.create(model="auto", input="cat")
    assert answer.model.startswith("tiny-") and len(answer.data[0].embedding) == own_models.WIDTH


QUESTION = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("path,body", [
    ("/v1/chat/completions", {"messages": QUESTION}), ("/v1/messages", {"max_tokens": 4, "messages": QUESTION}),
    ("/v1/messages/count_tokens", {"messages": QUESTION}), ("/v1/completions", {"prompt": "Hi"}), ("/v1/responses", {"input": "Hi"}),
    ("/api/chat", {"messages": QUESTION, "stream": False}), ("/api/generate", {"prompt": "Hi", "stream": False})])
def test_a_model_for_embeddings_is_asked_for_an_answer_in_vain(served, path, body):
    answer = httpx.post(served.url + path, json={"model": "tiny-bert", **body}, timeout=60)
    assert answer.status_code == 400 and "makes embeddings and can't answer" in answer.text, answer.text


def test_a_model_that_ranks_texts_is_left_out_and_said_why(served, gpt):
    with pytest.raises(openai.NotFoundError):
        gpt.embeddings.create(model="tiny-ranker", input="cat")
    reasons = {Path(file["path"]).name: file["reason"] for file in served.status()["skipped"]}
    assert "ranks texts" in reasons["tiny-ranker.gguf"]


def test_the_plan_of_a_model_without_a_cache_is_small(served, gpt):
    vectors(gpt, "tiny-nomic", "cat")
    models = {model["id"]: model for model in served.status()["models"]}
    assert models["tiny-nomic"]["state"] == "ready" and models["tiny-nomic"]["context_tokens"] == 2048
    assert 0 < models["tiny-nomic"]["planned_bytes"] < 40_000_000
    shown = httpx.post(f"{served.url}/api/show", json={"model": "tiny-nomic"}).json()
    assert shown["capabilities"] == ["embedding"]


def test_a_model_with_the_tokens_for_it_fills_in_the_middle(served, gpt):
    code = {"prompt": "def add(a, b):\n", "suffix": "\n    return total\n"}
    answer = gpt.completions.create(model="starter-infill", max_tokens=12, temperature=0, **code)
    # Prefix, suffix and the three tokens that tell them apart.
    parts = [gpt.completions.create(model="starter-infill", prompt=text, max_tokens=1).usage.prompt_tokens for text in code.values()]
    assert answer.usage.prompt_tokens == sum(parts) + 3
    own = httpx.post(f"{served.url}/api/generate", json={"model": "starter-infill", "stream": False, "options": {"num_predict": 4}, **code}, timeout=60)
    assert own.status_code == 200 and own.json()["prompt_eval_count"] == answer.usage.prompt_tokens, own.text
    assert "insert" in httpx.post(f"{served.url}/api/show", json={"model": "starter-infill"}).json()["capabilities"]
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.completions.create(model=STARTER_ID, max_tokens=4, **code)
    assert refused.value.param == "suffix"
