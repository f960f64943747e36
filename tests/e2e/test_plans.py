"""Plans against what really happens: memory of a worker, speeds of answers, and what is learned from them."""
import json

import httpx
import pytest
from conftest import MODELS, STARTER, STARTER_ID, wait_until
from test_cli import good


@pytest.fixture
def home(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / STARTER).symlink_to(MODELS / STARTER)
    return tmp_path


def status_of(server, model=STARTER_ID):
    return next(one for one in server.status()["models"] if one["id"] == model)


def complete(server, prompt, tokens):
    body = {"model": STARTER_ID, "prompt": prompt, "max_tokens": tokens, "temperature": 0}
    answer = httpx.post(f"{server.url}/v1/completions", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("settings", [{}, {"engine__context_tokens": 2048, "engine__parallel": 1}, {"engine__cache_type": "q8_0"}])
def test_the_plan_is_what_the_worker_takes(make_server, settings):
    server = make_server(**settings)
    complete(server, "one two three " * 200, 2)  # a whole batch, so that its buffers are touched
    model = status_of(server)
    assert abs(model["measured_bytes"] - model["planned_bytes"]) < 0.02 * model["planned_bytes"] + 20_000_000, model
    assert model["reduced"] == ""


def test_memory_for_less_gives_less_context_and_says_so(make_server):
    server = make_server(engine__context_tokens=8192, memory__limit_bytes=310_000_000)
    model = status_of(server)
    assert model["state"] == "ready", model
    assert model["context_tokens"] < 8192 and "instead of 8192" in model["reduced"]
    assert model["planned_bytes"] <= 310_000_000


def test_an_answer_teaches_the_next_prediction(make_server, tmp_path):
    server = make_server(engine__speculation="off")  # answers with guessed tokens are no measurement
    complete(server, "Count to one hundred: one, two, three,", 40)
    wait_until(lambda: json.loads(good(tmp_path, "fit", STARTER_ID, "--json", "--depth", "16"))["models"][0].get("measured_decode_tps"),
               what="a measurement")
    row = json.loads(good(tmp_path, "fit", STARTER_ID, "--json", "--depth", "16"))["models"][0]
    assert row["decode_tps"] == pytest.approx(row["measured_decode_tps"], rel=0.05)


def test_bench_measures_and_fit_shows_it_apart(home):
    rows = json.loads(good(home, "bench", STARTER_ID, "--depth", "16", "--depth", "128", "--repetitions", "2", "--json"))
    assert [row["depth"] for row in rows] == [16, 128]
    assert all(row["decode_tps"] > 0 and not row["expected_from_measurement"] for row in rows)
    assert rows[1]["prefill_tps"] > 0 and len(rows[1]["prefill_samples"]) == 2
    fitted = json.loads(good(home, "fit", STARTER_ID, "--json", "--depth", "140"))["models"][0]
    assert fitted["measured_decode_tps"] == pytest.approx(rows[1]["decode_tps"], rel=0.05)
    assert fitted["measured_depth"] > 0
    again = json.loads(good(home, "bench", STARTER_ID, "--depth", "16", "--repetitions", "1", "--json"))
    assert again[0]["expected_from_measurement"]
