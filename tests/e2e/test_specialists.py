"""Merged models and adapters, from files to answers: the example of docs/specialists.md, and many sets at once."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import httpx
import pytest
from conftest import BINARY, MODELS, STARTER, STARTER_ID, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "merge"))
from small_models import disturbed, np, starter_adapter, write_adapter  # noqa: E402

WIDTH, HIDDEN, LAYERS = 576, 1536, 30


def run(home, *arguments, code=0):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, "PENSIEVE_HOME": str(home)},
                          timeout=120)
    assert done.returncode == code, done.stderr + done.stdout
    return done


@pytest.fixture
def specialists(make_server, tmp_path):
    """A server with two adapters for its model."""
    server = make_server()
    for seed, name in ((1, "sql"), (2, "tone")):
        file = starter_adapter(tmp_path / f"{name}-file.gguf", seed)
        run(tmp_path, "adapter", "add", file, "--name", name, "--for", STARTER_ID, "--scale", "0.8", "--domain", "code")
    return server


def answer(server, model=STARTER_ID, tokens=24, prompt="Write one sentence about the sea.", **fields):
    body = {"model": model, "max_tokens": tokens, "temperature": 0, "messages": [{"role": "user", "content": prompt}], **fields}
    reply = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply


def text(*arguments, **fields):
    return answer(*arguments, **fields).json()["choices"][0]["message"]["content"]


# A batch goes through other kernels than a single request does. With weights of four bits that moves logits by up to about one
# (tests/merge/adapter_streams_test.py measures it): where two tokens are nearer than this, either may be chosen.
ROUNDING = 1.0


def tokens_of(server, model, prompt):
    """The tokens of an answer, each with the most likely ones."""
    choice = answer(server, model, prompt=prompt, logprobs=True, top_logprobs=5).json()["choices"][0]
    return choice["logprobs"]["content"]


def tokens_in_common(alone, together):
    """How many tokens two answers have in common. Where they part, both tokens must have been as good as equal; the token that ends
    an answer is one of them, but no answer tells it."""
    for place, (one, other) in enumerate(zip(alone, together, strict=False)):
        if one["token"] == other["token"]:
            continue
        near = [top["token"] for top in one["top_logprobs"] if one["logprob"] - top["logprob"] < ROUNDING]
        assert other["token"] in near, (place, one, other)
        return place
    return min(len(alone), len(together))


def test_eight_streams_over_three_sets_equal_their_solo_answers(specialists):
    models = [STARTER_ID, f"{STARTER_ID}+sql", f"{STARTER_ID}+tone"]
    jobs = [(models[number % 3], f"Write one sentence about the number {number}.") for number in range(8)]
    assert len({text(specialists, model) for model in models}) == 3, "the adapters change nothing"
    alone = [tokens_of(specialists, *job) for job in jobs]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: tokens_of(specialists, *job), jobs))
    common = [tokens_in_common(one, other) for one, other in zip(alone, together, strict=True)]
    print(f"tokens in common: {common} of {[len(one) for one in alone]}")
    assert sum(common) >= 32, "hardly anything was compared"


def test_the_fields_of_all_apis_ask_for_the_same(specialists):
    question, lora = "Write one sentence about the sea.", [{"name": "sql", "scale": 0.5}]
    others = (text(specialists), text(specialists, f"{STARTER_ID}+sql"))
    text(specialists, lora=lora)  # a prompt that is read anew may be computed in another way
    wanted = text(specialists, lora=lora)
    assert wanted not in others
    common = {"model": STARTER_ID, "lora": lora}
    options = {"temperature": 0, "num_predict": 24, "repeat_penalty": 1.0}

    def post(path, **body):
        reply = httpx.post(specialists.url + path, json={**common, **body}, timeout=120)
        assert reply.status_code == 200, reply.text
        return reply.json()

    chat = post("/api/chat", messages=[{"role": "user", "content": question}], stream=False, options=options)
    assert chat["message"]["content"] == wanted
    assert post("/api/generate", prompt=question, stream=False, options=options)["response"] == wanted
    response = post("/v1/responses", input=question, max_output_tokens=24, temperature=0)
    assert response["output"][-1]["content"][0]["text"] == wanted
    for path, body in (("/api/chat", {"messages": []}), ("/v1/responses", {"input": "Hi"})):
        refused = httpx.post(specialists.url + path, json={"model": STARTER_ID, **body, "lora": "sql"})
        assert refused.status_code == 400 and "lora" in refused.text


def test_a_conversation_with_an_adapter_goes_on_after_a_restart(make_server, tmp_path):
    server = make_server()
    run(tmp_path, "adapter", "add", starter_adapter(tmp_path / "sql-file.gguf", 1), "--name", "sql", "--for", STARTER_ID)
    story = " ".join(f"On day {day} the ship sailed past island {day * 7 % 90}." for day in range(30))

    def cached(model):
        body = answer(server, model, tokens=4, prompt=story).json()
        return body["usage"]["prompt_tokens_details"]["cached_tokens"], body["choices"][0]["message"]["content"]

    _, first = cached(f"{STARTER_ID}+sql")
    server.stop()
    server = make_server()
    assert cached(STARTER_ID)[0] < 40, "the model alone has not read this"
    again, text_again = cached(f"{STARTER_ID}+sql")
    assert again > 256
    assert text_again[:8] == first[:8]


def test_name_list_and_scale_say_the_same(specialists):
    named = answer(specialists, f"{STARTER_ID}+sql")
    assert named.headers["x-pensieve-model"] == f"{STARTER_ID}+sql"
    wanted = named.json()["choices"][0]["message"]["content"]
    assert text(specialists, lora=[{"name": "sql"}]) == wanted
    assert text(specialists, lora=[{"name": "sql", "scale": 0.8}]) == wanted
    assert text(specialists, "auto", lora=[{"name": "sql"}]) == wanted
    # Before others take its place in the cache: brought back to other cells, it may end otherwise.
    body = {"model": f"{STARTER_ID}+sql", "max_tokens": 24, "temperature": 0,
            "messages": [{"role": "user", "content": "Write one sentence about the sea."}]}
    anthropic = httpx.post(f"{specialists.url}/v1/messages", json=body, timeout=60).json()
    assert anthropic["content"][0]["text"] == wanted
    plain = text(specialists)
    assert text(specialists, lora=[{"name": "sql", "scale": 0}]) == plain
    assert text(specialists, lora=[{"name": "sql", "scale": 4}]) not in (plain, wanted)


def test_wrong_adapters_are_refused_in_words(specialists, tmp_path):
    def refused(status, words, model=STARTER_ID, **fields):
        body = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}], **fields}
        reply = httpx.post(f"{specialists.url}/v1/chat/completions", json=body)
        assert (reply.status_code, words in reply.text) == (status, True), reply.text

    refused(404, "adapter 'sqll' is not installed; did you mean 'sql'?", f"{STARTER_ID}+sqll")
    refused(404, "adapter 'x' is not installed", lora=[{"name": "x"}])
    refused(400, "lora", lora=[{"scale": 1}])
    refused(400, "lora", lora="sql")
    refused(400, "lora", lora=[{"name": "sql", "scale": 1e9}])
    refused(400, "named twice", lora=[{"name": "sql"}, {"name": "sql"}])
    random = np.random.default_rng(0)
    foreign = tmp_path / "foreign.gguf"
    write_adapter(foreign, {"blk.0.attn_q.weight": (random.standard_normal((4, 64)), random.standard_normal((64, 4)))})
    done = run(tmp_path, "adapter", "add", foreign, "--name", "foreign", "--for", STARTER_ID, code=1)
    assert "blk.0.attn_q.weight (64 x 4 and 4 x 64) does not fit the model's (576 x 576)" in done.stderr
    write_adapter(foreign, {"blk.0.attn_q.weight": (random.standard_normal((4, 576)), random.standard_normal((576, 4)))}, architecture="qwen2")
    assert "qwen2" in run(tmp_path, "adapter", "add", foreign, "--name", "foreign", "--for", STARTER_ID, code=1).stderr
    assert "is installed" in run(tmp_path, "adapter", "add", tmp_path / "sql-file.gguf", "--name", "sql", "--for", STARTER_ID, code=1).stderr
    assert "no name" in run(tmp_path, "adapter", "add", tmp_path / "sql-file.gguf", "--name", "a/b", "--for", STARTER_ID, code=1).stderr
    assert "not an adapter" in run(tmp_path, "adapter", "add", MODELS / STARTER, "--name", "m", "--for", STARTER_ID, code=1).stderr
    listed = json.loads(run(tmp_path, "adapter", "list", "--json").stdout)["adapters"]
    assert [(one["name"], one["model"], one["scale"], one["rank"]) for one in listed] == [("sql", STARTER_ID, 0.8, 8), ("tone", STARTER_ID, 0.8, 8)]


def test_a_removed_adapter_gives_its_memory_back(make_server, tmp_path):
    server = make_server()
    random = np.random.default_rng(5)
    pairs = {}
    for layer in range(LAYERS):  # about 60 MB
        for part in ("ffn_gate", "ffn_up"):
            pairs[f"blk.{layer}.{part}.weight"] = (0.01 * random.standard_normal((128, WIDTH)), 0.01 * random.standard_normal((HIDDEN, 128)))
    write_adapter(tmp_path / "large-file.gguf", pairs, name="large")
    run(tmp_path, "adapter", "add", tmp_path / "large-file.gguf", "--name", "large", "--for", STARTER_ID)
    size = (tmp_path / "large-file.gguf").stat().st_size

    def resident():
        for line in pathlib.Path(f"/proc/{server.worker()}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no figure")

    text(server)
    before = resident()
    text(server, f"{STARTER_ID}+large")
    loaded = resident()
    assert loaded - before > 0.8 * size
    run(tmp_path, "adapter", "rm", "large")
    wait_until(lambda: resident() < loaded - 0.8 * size, 15, "the memory's return")
    assert text(server)


def test_changing_sets_costs_little(specialists):
    models = [STARTER_ID, f"{STARTER_ID}+sql"]
    for model in models:
        text(specialists, model, tokens=1)
    times = {}
    for label, order in {"same": [0, 0] * 8, "changing": [0, 1] * 8}.items():
        begin = time.monotonic()
        for which in order:
            text(specialists, models[which], tokens=1)
        times[label] = (time.monotonic() - begin) / len(order)
    print(f"one request {times['same'] * 1000:.1f} ms, with changing sets {times['changing'] * 1000:.1f} ms")
    assert times["changing"] - times["same"] < 0.1, "a change of sets costs more than a busy machine explains"


def test_a_model_merged_with_a_disturbed_copy_answers_sensibly(make_server, tmp_path):
    server = make_server()
    run(tmp_path, "merge", STARTER_ID, "--type", "q8_0", "--out", tmp_path / "a.gguf")
    disturbed(tmp_path / "a.gguf", tmp_path / "b.gguf", 0.01)
    run(tmp_path, "merge", tmp_path / "a.gguf", tmp_path / "b.gguf", "--t", "0.5", "--out", tmp_path / "models" / "half.gguf")
    question = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "What is the capital of France?"}]
    assert "Paris" in text(server, "half", messages=question)


def test_the_example_of_the_guide(make_server, tmp_path):
    """Two fine-tunes merged, an adapter added, a request routed to it."""
    server = make_server()
    models = tmp_path / "models"
    run(tmp_path, "merge", STARTER_ID, "--type", "q8_0", "--name", "Code", "--out", tmp_path / "code.gguf")
    run(tmp_path, "merge", STARTER_ID, "--lora", f"{starter_adapter(tmp_path / 'chat-lora.gguf', 3, 0.2)}", "--type", "q8_0", "--name", "Chat",
        "--out", tmp_path / "chat.gguf")
    run(tmp_path, "merge", tmp_path / "code.gguf", tmp_path / "chat.gguf", "--out", models / "both.gguf", "--t", "0.5")
    run(tmp_path, "adapter", "add", starter_adapter(tmp_path / "sql.gguf", 4), "--name", "sql", "--for", "both", "--scale", "0.8",
        "--domain", "code")
    assert "both" in [model["id"] for model in httpx.get(f"{server.url}/v1/models").json()["data"]]
    reply = answer(server, "both+sql")
    assert reply.headers["x-pensieve-model"] == "both+sql"
    assert reply.json()["choices"][0]["message"]["content"]
    listing = run(tmp_path, "list").stdout
    assert re.search(r"^both +Code, Chat$", listing, re.MULTILINE), listing
    assert re.search(r"^sql +both ", listing, re.MULTILINE), listing
    shown = json.loads(run(tmp_path, "show", "both", "--json").stdout)
    assert "pensieve.merge.method" in json.dumps(shown)
