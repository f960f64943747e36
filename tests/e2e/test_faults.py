"""Bad input and lost processes: a proper error, and the next request is served."""
import json
import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import BINARY, MODELS, STARTER, alive, children, wait_until

ASK = {"model": "auto", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}


def post(server, **arguments):
    return httpx.post(f"{server.url}/v1/chat/completions", timeout=60, **arguments)


def raw(server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(data)
        answer = b""
        while block := connection.recv(65536):
            answer += block
        return answer


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'{"model":1}',
    b'{"model":"auto","messages":"x"}', b'{"model":"auto","messages":[]}', b'{"model":"auto","messages":[{"role":"x"}]}',
    b'{"model":"auto","messages":[{"role":"user","content":"x"}],"temperature":-1}',
    b'{"model":"auto","messages":[{"role":"user","content":"x"}],"max_tokens":0}',
])
def test_malformed_bodies_are_a_400_in_the_apis_shape(server, body):
    answer = post(server, content=body)
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
    answer = httpx.post(f"{server.url}/v1/messages", content=body)
    assert answer.status_code == 400 and answer.json()["type"] == "error"


def test_an_oversized_body_is_refused_without_waiting_for_it(server):
    head = f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\n\r\n".encode()
    answer = raw(server, head)
    assert b"413" in answer.split(b"\r\n")[0] and b"request_too_large" in answer
    assert httpx.post(f"{server.url}/v1/messages", content=b"x" * 40_000_000, timeout=60).status_code == 413


@pytest.mark.parametrize("text", [r"\ud800", r"\udc00 x", r"a\ud83d", r"\u0000", r"\uffff"])
def test_text_that_is_no_unicode_is_refused_or_answered_and_never_passed_on_broken(server, text):
    body = '{"model":"auto","max_tokens":2,"messages":[{"role":"user","content":"%s"}]}' % text
    for path in ("/v1/messages", "/v1/chat/completions"):
        answer = httpx.post(f"{server.url}{path}", content=body, timeout=60)
        assert answer.status_code in (200, 400)
        json.loads(answer.content.decode("utf-8", "strict"))


@pytest.mark.parametrize("head, status", [
    (b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"403"),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
])
def test_wrong_heads_get_their_status_and_the_connection_ends(server, head, status):
    assert raw(server, head).split(b" ")[1] == status


def test_web_pages_of_other_origins_are_refused_and_local_ones_are_not(server):
    for origin in ("https://evil.example", "null"):
        answer = post(server, content=b"{}", headers={"Origin": origin, "Content-Type": "text/plain"})
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    answer = post(server, json=ASK, headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_keys_are_asked_for_in_both_headers_and_half_sent_heads_time_out(make_server):
    server = make_server(server__api_keys="secret", server__header_timeout_s=1)
    assert post(server, json=ASK).status_code == 401
    assert post(server, json=ASK, headers={"x-api-key": "wrong"}).json()["error"]["code"] == "invalid_api_key"
    assert post(server, json=ASK, headers={"x-api-key": "secret"}).status_code == 200
    assert post(server, json=ASK, headers={"Authorization": "bearer secret"}).status_code == 200
    assert raw(server, b"GET /health HT").split(b" ")[1] == b"408"


def test_a_head_that_comes_byte_by_byte_times_out_as_a_whole(make_server):
    server = make_server(server__header_timeout_s=1)
    head = iter(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 1000)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(0.1)  # also the pace of the bytes
        answer = b""
        while not answer:
            connection.sendall(bytes([next(head)]))
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert answer.split(b" ")[1] == b"408"


def test_pipelined_requests_are_answered_in_their_order(server):
    body = json.dumps(ASK).encode()
    question = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    last = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(server, question + b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" + last)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"404", b"200"]
    assert answer.index(b"chat.completion") < answer.index(b"/nowhere") < answer.index(b'"object":"list"')


def test_connections_that_come_and_go_leave_nothing_behind(server):
    def descriptors():
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    before = descriptors()
    parts = [b"", b"GET", b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"]
    for number in range(500):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(parts[number % len(parts)])
    wait_until(lambda: descriptors() <= before + 2, 10, "the end of all connections")
    assert post(server, json=ASK).status_code == 200


def test_a_reader_that_stops_reading_stops_its_answer_and_takes_no_memory(server):
    def resident():
        return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def worked():
        return sum(int(value) for value in Path(f"/proc/{server.worker()}/stat").read_text().rsplit(")", 1)[1].split()[11:13])

    body = json.dumps({**ASK, "max_tokens": 4000, "stream": True, "logprobs": True, "top_logprobs": 20,
                       "logit_bias": {"300": 100}}).encode()  # always the same token, so no early end
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        before = resident()
        reader.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        reader.recv(1)
        samples = [-1]

        def pauses():
            """True after the worker did nothing for fifteen looks."""
            samples.append(worked())
            return len(samples) > 15 and samples[-1] == samples[-15]

        wait_until(pauses, 60, "a pause of the worker")
        assert server.status()["models"][0]["active_requests"] == 1
        assert resident() - before < 8_000_000
        assert post(server, json=ASK).status_code == 200
    wait_until(lambda: server.status()["models"][0]["active_requests"] == 0, 5, "an idle model")


def test_a_graceful_stop_lets_a_running_answer_finish(make_server):
    server = make_server()
    with httpx.stream("POST", f"{server.url}/v1/chat/completions", json={**ASK, "max_tokens": 100, "stream": True}, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        server.process.send_signal(signal.SIGTERM)
        rest = list(lines)
    assert rest[-2:] == ["data: [DONE]", ""] or rest[-1] == "data: [DONE]"
    assert any('"finish_reason":"' in line for line in rest)
    assert server.process.wait(20) == 0


def test_a_silent_stream_carries_pings(make_server):
    server = make_server(server__ping_interval_s=1, engine__hang_timeout_s=60)
    stream = {"model": "auto", "max_tokens": 200, "messages": ASK["messages"], "stream": True}
    for path, ping in (("/v1/messages", "event: ping"), ("/v1/chat/completions", ": ping")):
        with httpx.stream("POST", f"{server.url}{path}", json=stream, timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            os.kill(server.worker(), signal.SIGSTOP)
            try:
                assert any(line == ping for line in lines)
            finally:
                os.kill(server.worker(), signal.SIGCONT)
            assert [line for line in lines if line][-1] in ("data: [DONE]", 'data: {"type":"message_stop"}')


@pytest.mark.parametrize("path, status, message", [
    ("/v1/messages", 500, {"type": "error", "error": "api_error"}),
    ("/v1/chat/completions", 502, {"type": None, "error": "api_error"}),
])
def test_without_failover_a_killed_worker_is_an_error_of_each_apis_shape(make_server, path, status, message):
    server = make_server(engine__failover="off")
    body = {**ASK, "max_tokens": 4000}
    worker = server.worker()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{server.url}{path}", json=body, timeout=60)
        wait_until(lambda: server.status()["models"][0]["active_requests"] == 1, 5, "a running request")
        os.kill(worker, signal.SIGKILL)
        answer = asked.result()
    assert answer.status_code == status and answer.json()["error"]["type"] == message["error"]
    assert answer.json().get("type") == message["type"]
    assert httpx.post(f"{server.url}{path}", json={**body, "max_tokens": 2}, timeout=60).status_code == 200
    with httpx.stream("POST", f"{server.url}{path}", json={**body, "stream": True}, timeout=60) as stream:
        lines = stream.iter_lines()
        next(lines)
        os.kill(server.worker(), signal.SIGKILL)
        last = [line for line in lines if line.startswith("data: ")][-1]
    error = json.loads(last.removeprefix("data: "))
    assert error["error"]["type"] == message["error"] and error.get("type") == message["type"]
    assert httpx.post(f"{server.url}{path}", json={**body, "max_tokens": 2}, timeout=60).status_code == 200


def test_without_failover_a_killed_worker_ends_its_answer_with_an_error_and_is_replaced(make_server):
    server = make_server(engine__failover="off")
    worker = server.worker()
    with httpx.stream("POST", f"{server.url}/v1/chat/completions", json={**ASK, "max_tokens": 4000, "stream": True}, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        os.kill(worker, signal.SIGKILL)
        assert any("worker_lost" in line for line in lines)
    assert post(server, json=ASK).status_code == 200
    assert server.worker() != worker


def test_a_stopped_worker_is_noticed_and_replaced(make_server):
    server = make_server(engine__hang_timeout_s=2)
    worker = server.worker()
    os.kill(worker, signal.SIGSTOP)
    assert post(server, json=ASK).status_code == 200  # asked again, of a new worker
    wait_until(lambda: not alive(worker), 5, "the end of the stopped worker")
    assert server.worker() != worker


def test_no_worker_outlives_a_killed_supervisor(make_server):
    server = make_server()
    workers = children(server.process.pid)
    assert workers
    server.process.kill()
    server.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in workers), 5, "the end of the workers")


def test_a_second_server_and_a_taken_port_say_so(server, tmp_path):
    import subprocess
    second = subprocess.run([BINARY, "serve"], capture_output=True, text=True, env={**os.environ, "PENSIEVE_HOME": str(server.home)})
    assert second.returncode == 1 and f"runs already at {server.url}" in second.stderr
    taken = subprocess.run([BINARY, "serve", "--port", str(server.port)], capture_output=True, text=True,
                           env={**os.environ, "PENSIEVE_HOME": str(tmp_path)})
    assert taken.returncode == 1 and "can't listen" in taken.stderr
    blocked = tmp_path / "file"
    blocked.write_text("")
    unwritable = subprocess.run([BINARY, "serve"], capture_output=True, text=True, env={**os.environ, "PENSIEVE_HOME": str(blocked)})
    assert unwritable.returncode == 1 and "can't create folder" in unwritable.stderr


def test_foreign_and_cut_off_files_are_skipped_with_their_reason(make_server, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "foreign.gguf").write_bytes(b"hello")
    with open(MODELS / STARTER, "rb") as whole:
        (tmp_path / "models" / "cut.gguf").write_bytes(whole.read(10_000_000))
        whole.seek(0)
        (tmp_path / "models" / "head.gguf").write_bytes(whole.read(1000))
    server = make_server()
    skipped = {Path(file["path"]).name: file["reason"] for file in server.status()["skipped"]}
    assert skipped.keys() == {"foreign.gguf", "cut.gguf", "head.gguf"}
    assert "not a GGUF file" in skipped["foreign.gguf"]
    assert all("truncated" in skipped[name] or "ends" in skipped[name] for name in ("cut.gguf", "head.gguf")), skipped
