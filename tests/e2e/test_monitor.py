"""PerformanceMonitor in the real server, driven by recorded readings."""
import json
import os
import shutil
import subprocess
import threading
import time

import httpx
import pytest
from conftest import BINARY, MODELS, STARTER, STARTER_ID, wait_until

SECOND = "gemma-3-270m-q4_k_m.gguf"
SECOND_ID = "gemma-3-270m-q4_k_m"


def feed(tmp_path, *readings):
    """A recording: (second, memory used in percent, further fields)."""
    path = tmp_path / "readings.jsonl"
    lines = [json.dumps({"t": at, "memory_percent": percent, "temperature": 50, "tokens_per_second": 200, **more}) for at, percent, more in readings]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def watched(tmp_path, make_server):
    """Starts a server with two models of different sizes that follows the given readings."""

    def make(*readings, **settings):
        models = tmp_path / "models"
        models.mkdir(exist_ok=True)
        shutil.copy(MODELS / SECOND, models / SECOND)
        return make_server(**{"monitor__replay_readings": feed(tmp_path, *readings), "roles__primary": SECOND_ID, **settings})

    return make


def monitor(server):
    return server.status()["monitor"]


class Events(threading.Thread):
    """Everything that /pensieve/v1/events says, with the moment at which it came."""

    def __init__(self, server, after=None):
        super().__init__(daemon=True)
        self.url = f"{server.url}/pensieve/v1/events" + ("" if after is None else f"?after={after}")
        self.seen = []
        self.start()

    def run(self):
        try:
            with httpx.stream("GET", self.url, timeout=httpx.Timeout(30, read=None)) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        self.seen.append((time.monotonic(), json.loads(line[6:])))
        except httpx.HTTPError:
            pass  # the server stops at the end of the test

    def changes(self):
        return [event for _, event in list(self.seen) if event["kind"] in ("downgrade", "upgrade", "level")]


def ask(server, model="auto", **headers):
    return httpx.post(
        f"{server.url}/v1/chat/completions",
        json={"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "Say hello."}]},
        headers=headers,
        timeout=60,
    )


@pytest.mark.skipif("PENSIEVE_LONG_TESTS" not in os.environ, reason="follows a recording in real time: PENSIEVE_LONG_TESTS=1")
def test_a_sustained_breach_downgrades_within_3_s_and_recovery_upgrades(watched):
    server = watched((0, 40, {}), (25, 92, {}), (31, 40, {}), monitor__cooldown_s=8, monitor__recovery_s=2)
    assert monitor(server)["level"] == "normal"
    down = wait_until(lambda: (m := monitor(server))["level"] == "downgrade" and m, 60, "a downgrade")
    memory = next(s for s in down["signals"] if s["name"] == "memory_percent")
    assert "over 85 %" in down["reason"] and memory["value"] == pytest.approx(92, abs=0.1) and memory["source"] == "replay"
    # The larger model may not answer any more: the smaller one does, and the decision says why.
    assert down["largest_model"] == STARTER_ID
    answer = ask(server)
    assert answer.status_code == 200 and answer.headers["x-pensieve-model"] == STARTER_ID
    up = wait_until(lambda: (m := monitor(server))["level"] == "normal" and not m["largest_model"] and m, 40, "an upgrade")
    kinds = [event["kind"] for event in up["events"] if event["kind"] != "model"]
    assert kinds == ["upgrade", "downgrade"]
    moments = {event["kind"]: event["at_unix_ms"] for event in up["events"]}
    assert 8_000 <= moments["upgrade"] - moments["downgrade"] < 20_000
    # Events outlive the server.
    server.stop()
    ledger = subprocess.run(
        ["python3", "-c", "import sqlite3,sys; print([r[0] for r in sqlite3.connect(sys.argv[1]).execute('select kind from events')])",
         str(server.home / "ledger.db" if (server.home / "ledger.db").exists() else next(server.home.rglob("ledger.db")))],
        capture_output=True, text=True, check=True).stdout
    assert "downgrade" in ledger and "upgrade" in ledger


def test_the_downgrade_comes_within_three_seconds_of_the_breach(watched, tmp_path):
    server = watched((0, 40, {}), (12, 92, {}), monitor__record_readings=str(tmp_path / "seen.jsonl"))
    events = Events(server, after=0)
    wait_until(lambda: events.changes(), 40, "a change")
    change = events.changes()[0]
    assert change["kind"] == "downgrade" and change["to"] == "downgrade"
    # The recording tells how long the breach had lasted when the change came.
    breach = next(line["t"] for line in map(json.loads, (tmp_path / "seen.jsonl").read_text().splitlines()) if line["memory_available"] < 0.1 * line["memory_total"])
    arrived = next(at for at, event in events.seen if event["kind"] == "downgrade")
    last = json.loads((tmp_path / "seen.jsonl").read_text().splitlines()[-1])["t"]
    since = last - breach - (time.monotonic() - arrived)
    assert since <= 3.2, f"{since} s after the first reading of the breach"


@pytest.mark.skipif("PENSIEVE_LONG_TESTS" not in os.environ, reason="follows a recording in real time: PENSIEVE_LONG_TESTS=1")
def test_oscillation_and_a_spike_do_not_make_it_switch(watched):
    readings = [(0, 40, {})] + [(8 + 2 * i, 95 if i % 2 == 0 else 40, {}) for i in range(20)]
    server = watched(*readings, (50, 40, {}), (52, 99, {"temperature": 99}), (52.4, 40, {}))
    events = Events(server, after=0)
    time.sleep(58)  # the feed's whole length is what is looked at
    changes = events.changes()
    assert len(changes) <= 1, changes
    for earlier, later in zip(changes, changes[1:]):
        assert later["at_unix_ms"] - earlier["at_unix_ms"] >= 60_000


@pytest.mark.skipif("PENSIEVE_LONG_TESTS" not in os.environ, reason="follows a recording in real time: PENSIEVE_LONG_TESTS=1")
def test_critical_refuses_with_retry_after_and_emergency_unloads(watched):
    total = 16_000_000_000
    server = watched(
        (0, 40, {"memory_total": total}), (15, 94.4, {"memory_total": total}), (40, 97.5, {"memory_total": total}))
    wait_until(lambda: monitor(server)["level"] == "critical", 60, "critical")
    refused = ask(server)
    assert refused.status_code == 503 and 1 <= int(refused.headers["retry-after"]) <= 61
    assert "memory" in refused.json()["error"]["message"]
    messages = httpx.post(f"{server.url}/v1/messages", json={"model": "claude-x", "max_tokens": 4, "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
    assert messages.status_code == 503 and messages.json()["type"] == "error" and "retry-after" in messages.headers
    wait_until(lambda: monitor(server)["level"] == "emergency", 60, "emergency")
    wait_until(lambda: all(m["state"] != "ready" for m in server.status()["models"]), 20, "unloaded models")
    assert server.health()["level"] == "emergency"


@pytest.mark.skipif("PENSIEVE_LONG_TESTS" not in os.environ, reason="follows a recording in real time: PENSIEVE_LONG_TESTS=1")
def test_heat_slows_down_before_the_model_changes(watched):
    server = watched((0, 40, {}), (8, 40, {"temperature": 81}))
    hot = wait_until(lambda: (m := monitor(server))["throttle"]["pause_percent"] > 0 and m, 40, "a slower server")
    assert hot["level"] == "throttle" and hot["largest_model"] == ""
    assert hot["throttle"]["threads_percent"] < 100 and hot["throttle"]["batch_percent"] < 100
    assert ask(server, STARTER_ID).status_code == 200
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'pensieve_machine_level{level="throttle"} 1' in metrics
    assert 'pensieve_machine_signal{signal="temperature",unit="celsius"} 81' in metrics
    assert 0 < server.health()["score"] < 1


def test_priority_is_a_word_that_is_checked(watched):
    server = watched((0, 40, {}))
    assert ask(server, STARTER_ID, **{"X-Pensieve-Priority": "batch"}).status_code == 200
    wrong = ask(server, STARTER_ID, **{"X-Pensieve-Priority": "urgent"})
    assert wrong.status_code == 400 and "interactive or batch" in wrong.json()["error"]["message"]


def test_a_wrong_recording_is_an_error_at_start(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"t": 0, "memory_percent": 50}\n{"t": 1, "memory_percent": 500}\n')
    done = subprocess.run([BINARY, "serve", "--port", "0", "--replay-readings", str(path)], env={"PENSIEVE_HOME": str(tmp_path), "PATH": "/usr/bin"},
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "line 2" in done.stderr and "from 0 to 100" in done.stderr
