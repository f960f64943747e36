"""Merged models and adapters, from files to answers: the example of docs/specialists.md, and many sets at once."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import httpx
import pytest
from conftest import BINARY, MODELS, STARTER, STARTER_ID, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "merge"))
from small_models import np, write_adapter  # noqa: E402

WIDTH, KEYS, HIDDEN, LAYERS, RANK = 576, 192, 1536, 30, 8


def run(home, *arguments, code=0):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, "PENSIEVE_HOME": str(home)},
                          timeout=120)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def starter_adapter(path, seed, strength=1.0, **options):
    """Changes the starter model's attention by small random matrices."""
    random = np.random.default_rng(seed)
    pairs = {}
    for layer in range(LAYERS):
        for part, outputs in (("attn_q", WIDTH), ("attn_v", KEYS)):
            a, b = random.standard_normal((RANK, WIDTH)), random.standard_normal((outputs, RANK))
            pairs[f"blk.{layer}.{part}.weight"] = (a * 0.03, b * 0.03 * strength)
    write_adapter(path, pairs, alpha=2 * RANK, name=path.stem, **options)
    return path


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


def test_eight_streams_over_three_sets_equal_their_solo_answers(specialists):
    models = [STARTER_ID, f"{STARTER_ID}+sql", f"{STARTER_ID}+tone"]
    prompts = [f"Write one sentence about the number {number}." for number in range(8)]
    jobs = [(models[i % 3], prompts[i]) for i in range(8)]
    # A batch adds up in another order than a single request does: further on a near tie may go the other way.
    solo = [text(specialists, model, 8, prompt=prompt) for model, prompt in jobs]
    assert len({text(specialists, model) for model in models}) == 3, "the adapters change nothing"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: text(specialists, job[0], 8, prompt=job[1]), jobs))
    assert together == solo


def test_name_list_and_scale_say_the_same(specialists):
    named = answer(specialists, f"{STARTER_ID}+sql")
    assert named.headers["x-pensieve-model"] == f"{STARTER_ID}+sql"
    wanted = named.json()["choices"][0]["message"]["content"]
    assert text(specialists, lora=[{"name": "sql"}]) == wanted
    assert text(specialists, lora=[{"name": "sql", "scale": 0.8}]) == wanted
    assert text(specialists, "auto", lora=[{"name": "sql"}]) == wanted
    plain = text(specialists)
    assert text(specialists, lora=[{"name": "sql", "scale": 0}]) == plain
    assert text(specialists, lora=[{"name": "sql", "scale": 4}]) not in (plain, wanted)
    body = {"model": f"{STARTER_ID}+sql", "max_tokens": 24, "temperature": 0,
            "messages": [{"role": "user", "content": "Write one sentence about the sea."}]}
    anthropic = httpx.post(f"{specialists.url}/v1/messages", json=body, timeout=60).json()
    assert anthropic["content"][0]["text"] == wanted


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
    assert "both" in listing
    assert "sql" in listing
    shown = json.loads(run(tmp_path, "show", "both", "--json").stdout)
    assert "pensieve.merge.method" in json.dumps(shown)
