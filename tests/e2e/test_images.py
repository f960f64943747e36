"""Images by the official clients of three APIs, read by the starter model through a synthetic projector."""

import base64
import json
import os
import shutil
import signal
import threading

import anthropic
import httpx
import ollama
import openai
import pytest
from conftest import MODELS, STARTER, STARTER_ID, Server
from pictures import bmp, bomb, png
from synthetic_projector import write_projector

WIDTH = 576
GEMMA = "gemma-3-270m-q4_k_m.gguf"


def stripes(x: int, y: int) -> tuple[int, int, int]:
    return (255, 255, 0) if x // 8 % 2 else (0, 0, 80)


def checks(x: int, y: int) -> tuple[int, int, int]:
    return (255, 0, 0) if (x // 16 + y // 16) % 2 else (0, 200, 0)


STRIPES = png(64, 64, stripes)
CHECKS = png(64, 64, checks)


def encoded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def openai_image(picture: bytes) -> dict:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded(picture)}"}}


def anthropic_image(picture: bytes) -> dict:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded(picture)}}


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    """Serves the starter model with a projector, beside a model without one."""
    home = tmp_path_factory.mktemp("seeing")
    (home / "models").mkdir()
    shutil.copy(MODELS / STARTER, home / "models" / STARTER)
    (home / "models" / "blind").mkdir()
    shutil.copy(MODELS / STARTER, home / "models" / "blind" / "blind.gguf")
    tokens = write_projector(home / "models" / "mmproj-model-f32.gguf", WIDTH)
    running = Server(home, **{"models.preload": STARTER_ID})
    running.image_tokens = tokens
    yield running
    running.stop()


@pytest.fixture
def client(seeing):
    return openai.OpenAI(base_url=f"{seeing.url}/v1", api_key="none", max_retries=0)


@pytest.fixture
def claude(seeing):
    return anthropic.Anthropic(base_url=seeing.url, api_key="none", max_retries=0)


def likelihoods(client, picture: bytes) -> dict[str, float]:
    answer = client.chat.completions.create(
        model=STARTER_ID, max_tokens=1, temperature=0, logprobs=True, top_logprobs=20,
        messages=[{"role": "user", "content": [openai_image(picture), {"type": "text", "text": "What do you see?"}]}])
    return {entry.token: entry.logprob for entry in answer.choices[0].logprobs.content[0].top_logprobs}


def distance(one: dict[str, float], other: dict[str, float]) -> float:
    common = one.keys() & other.keys()
    if len(common) < len(one) / 2:
        return 99.0
    return max(abs(one[token] - other[token]) for token in common)


def test_the_answer_depends_on_what_the_image_shows(client):
    striped = likelihoods(client, STRIPES)
    checked = likelihoods(client, CHECKS)
    again = likelihoods(client, STRIPES)
    assert distance(striped, again) < 0.3
    assert distance(striped, checked) > 3 * distance(striped, again) + 0.05


def test_image_tokens_count_in_every_api(seeing, client, claude):
    def asked(pictures):
        return [{"role": "user", "content": [*map(anthropic_image, pictures), {"type": "text", "text": "Compare."}]}]

    one = claude.messages.count_tokens(model=STARTER_ID, messages=asked([STRIPES])).input_tokens
    two = claude.messages.count_tokens(model=STARTER_ID, messages=asked([STRIPES, CHECKS])).input_tokens
    assert two - one == seeing.image_tokens
    usage = claude.messages.create(model=STARTER_ID, max_tokens=1, messages=asked([STRIPES, CHECKS])).usage
    assert usage.input_tokens + usage.cache_read_input_tokens + (usage.cache_creation_input_tokens or 0) == two
    chat = client.chat.completions.create(
        model=STARTER_ID, max_tokens=1,
        messages=[{"role": "user", "content": [openai_image(STRIPES), openai_image(CHECKS), {"type": "text", "text": "Compare."}]}])
    assert chat.usage.prompt_tokens == two
    response = client.responses.create(
        model=STARTER_ID, max_output_tokens=16, store=False,
        input=[{"role": "user", "content": [{"type": "input_image", "image_url": openai_image(p)["image_url"]["url"]} for p in (STRIPES, CHECKS)]
                + [{"type": "input_text", "text": "Compare."}]}])
    assert response.usage.input_tokens == two
    told = ollama.Client(seeing.url).chat(
        STARTER_ID, options={"num_predict": 1}, messages=[{"role": "user", "content": "Compare.", "images": [STRIPES, CHECKS]}])
    assert told.prompt_eval_count == two
    generated = ollama.Client(seeing.url).generate(STARTER_ID, "Compare.", images=[encoded(STRIPES), encoded(CHECKS)], options={"num_predict": 1})
    assert generated.prompt_eval_count == two


def test_the_next_turn_reads_no_image_again_and_another_image_is_another(seeing, client):
    def turn(messages):
        answer = client.chat.completions.create(model=STARTER_ID, max_tokens=12, temperature=0, messages=messages)
        usage = answer.usage
        return answer.choices[0].message.content, usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens

    def talk(picture):
        return [{"role": "user", "content": [{"type": "text", "text": "This is a picture of my garden."}, openai_image(picture)]}]

    striped = png(64, 64, lambda x, y: stripes(y, x))
    messages = talk(striped)
    text, tokens, _ = turn(messages)
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "What else?"}]
    _, _, cached = turn(messages)
    assert cached >= tokens - 4
    _, tokens, cached = turn(talk(png(64, 64, lambda x, y: checks(x + 8, y))))
    assert cached < tokens - seeing.image_tokens


def test_a_conversation_with_an_image_goes_on_after_a_restart(tmp_path):
    write = tmp_path / "models"
    write.mkdir()
    tokens = write_projector(write / f"mmproj-{STARTER}", WIDTH)

    def ask(server, picture):
        answer = httpx.post(f"{server.url}/v1/chat/completions", timeout=120, json={
            "model": STARTER_ID, "max_tokens": 4, "temperature": 0,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Once upon a time. " * 20}, openai_image(picture),
                                                      {"type": "text", "text": "What is it?"}]}]})
        assert answer.status_code == 200, answer.text
        return answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"]

    server = Server(tmp_path)
    assert ask(server, STRIPES) < tokens
    server.stop()
    server = Server(tmp_path)
    assert ask(server, STRIPES) > 100 + tokens
    server.stop()
    server = Server(tmp_path)
    assert ask(server, CHECKS) < 100 + tokens
    server.stop()


def test_streams_tools_and_results_with_images(client, claude):
    with claude.messages.stream(model=STARTER_ID, max_tokens=8, messages=[
            {"role": "user", "content": "Take a picture."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "camera", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                {"type": "text", "text": "Here it is:"}, anthropic_image(CHECKS)]}]}],
            tools=[{"name": "camera", "description": "Takes a picture.", "input_schema": {"type": "object", "properties": {}}}]) as stream:
        assert stream.get_final_message().usage.output_tokens > 0
    answer = client.chat.completions.create(
        model=STARTER_ID, max_tokens=60, temperature=0,
        messages=[{"role": "user", "content": [{"type": "text", "text": "How many colours?"}, openai_image(CHECKS)]}],
        response_format={"type": "json_schema", "json_schema": {"name": "colours", "strict": True, "schema": {
            "type": "object", "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["count"],
            "additionalProperties": False}}})
    assert 1 <= json.loads(answer.choices[0].message.content)["count"] <= 9


def test_text_streams_go_on_beside_images(seeing, client):
    done = []

    def talk():
        done.append(client.chat.completions.create(model=STARTER_ID, max_tokens=64, messages=[{"role": "user", "content": "Tell a story."}],
                                                   logit_bias={"0": -100, "2": -100}).usage.completion_tokens)

    talker = threading.Thread(target=talk)
    talker.start()
    for number in range(4):
        picture = png(64, 64, lambda x, y, n=number: (n * 60, x * 4 % 256, y * 4 % 256))
        client.chat.completions.create(model=STARTER_ID, max_tokens=2,
                                       messages=[{"role": "user", "content": [openai_image(picture), {"type": "text", "text": "?"}]}])
    talker.join()
    assert done == [64]


def test_an_answer_about_an_image_goes_on_when_its_worker_is_killed(tmp_path):
    (tmp_path / "models").mkdir()
    write_projector(tmp_path / "models" / "mmproj.gguf", WIDTH)
    server = Server(tmp_path)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120)
    stream = client.chat.completions.create(
        model=STARTER_ID, max_tokens=60, stream=True, stream_options={"include_usage": True}, logit_bias={"0": -100, "2": -100},
        messages=[{"role": "user", "content": [openai_image(CHECKS), {"type": "text", "text": "Describe it."}]}])
    chunks = 0
    for chunk in stream:
        chunks += 1
        if chunks == 5:
            os.kill(server.worker(), signal.SIGKILL)
        usage = chunk.usage
    assert usage.completion_tokens == 60
    server.stop()


def test_what_is_no_image_is_a_400_that_names_the_field(client, claude):
    def refused(picture: bytes | str) -> str:
        url = picture if isinstance(picture, str) else f"data:image/png;base64,{encoded(picture)}"
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=STARTER_ID, max_tokens=1, messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
        assert caught.value.body["param"] == "messages[0].content[0].image_url.url", caught.value
        return caught.value.body["message"]

    assert "not fetched" in refused("https://example.com/cat.png")
    assert "base64" in refused("data:image/png;base64,???")
    assert "empty" in refused(b"")
    assert "no PNG" in refused(b"<svg/>")
    assert "cut off" in refused(STRIPES[:-20])
    assert "pixels" in refused(STRIPES[:16] + b"\x7f\xff\xff\xff\x7f\xff\xff\xff" + STRIPES[24:])
    assert "unpacks to more" in refused(bomb(64, 64))
    damaged = bytearray(STRIPES)
    damaged[60:90] = bytes(30)
    assert "decoded" in refused(bytes(damaged))
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.create(model=STARTER_ID, max_tokens=1, messages=[{"role": "user", "content": [anthropic_image(b"GIF")]}])
    assert "messages.0.content.0.source.data" in str(caught.value)
    assert likelihoods(client, bmp(64, 64, checks)), "other formats are read"


def test_a_model_without_a_projector_says_what_is_missing(seeing, client, claude):
    content = [openai_image(STRIPES), {"type": "text", "text": "What?"}]
    with pytest.raises(openai.BadRequestError, match="no projector"):
        client.chat.completions.create(model="blind", max_tokens=1, messages=[{"role": "user", "content": content}])
    with pytest.raises(openai.BadRequestError, match="no projector"):
        client.responses.create(model="blind", input=[{"role": "user", "content": [
            {"type": "input_image", "image_url": content[0]["image_url"]["url"]}]}])
    with pytest.raises(anthropic.BadRequestError, match="no projector"):
        claude.messages.create(model="blind", max_tokens=1, messages=[{"role": "user", "content": [anthropic_image(STRIPES)]}])
    with pytest.raises(ollama.ResponseError, match="no projector"):
        ollama.Client(seeing.url).chat("blind", messages=[{"role": "user", "content": "What?", "images": [STRIPES]}])
    with pytest.raises(ollama.ResponseError, match="no projector"):
        ollama.Client(seeing.url).generate("blind", "What?", images=[STRIPES])
    answer = client.chat.completions.with_raw_response.create(model="auto", max_tokens=1, messages=[{"role": "user", "content": content}])
    assert answer.headers["x-pensieve-model"] == STARTER_ID, "auto goes to a model that sees"


def test_vision_is_told(seeing):
    models = {model["id"]: model for model in seeing.status()["models"]}
    assert set(models) == {STARTER_ID, "blind"}, "a projector is no model"
    assert models[STARTER_ID]["capabilities"] == ["vision"] and models["blind"]["capabilities"] == []
    assert models[STARTER_ID]["projector"].endswith("mmproj-model-f32.gguf")
    assert not seeing.status()["skipped"]
    client = ollama.Client(seeing.url)
    assert "vision" in client.show(STARTER_ID).capabilities
    assert "vision" not in client.show("blind").capabilities


@pytest.mark.skipif(not (MODELS / GEMMA).exists(), reason="needs another test model")
def test_images_whose_tokens_see_each_other_both_ways(tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(MODELS / GEMMA, tmp_path / "models" / GEMMA)
    write_projector(tmp_path / "models" / f"mmproj-{GEMMA}", 640, "gemma3")
    server = Server(tmp_path)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    messages = [{"role": "user", "content": [openai_image(STRIPES), {"type": "text", "text": "What do you see here, please?"}]}]
    first = client.chat.completions.create(model="gemma-3-270m-q4_k_m", max_tokens=8, messages=messages)
    assert first.usage.completion_tokens > 0
    messages += [{"role": "assistant", "content": first.choices[0].message.content}, {"role": "user", "content": "And what else?"}]
    assert client.chat.completions.create(model="gemma-3-270m-q4_k_m", max_tokens=8, messages=messages).usage.completion_tokens > 0
    server.stop()


def test_a_projector_that_does_not_fit_leaves_the_model_as_it_was(tmp_path):
    (tmp_path / "models").mkdir()
    write_projector(tmp_path / "models" / "mmproj.gguf", 1024)
    server = Server(tmp_path)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    assert client.chat.completions.create(model=STARTER_ID, max_tokens=2, messages=[{"role": "user", "content": "Hi"}]).usage
    model = server.status()["models"][0]
    assert model["capabilities"] == [] and "sees no images: the projector" in model["state_reason"]
    with pytest.raises(openai.BadRequestError, match="projector"):
        client.chat.completions.create(model=STARTER_ID, max_tokens=1, messages=[{"role": "user", "content": [openai_image(STRIPES)]}])
    server.stop()
