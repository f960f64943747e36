"""Bad input and lost processes: a proper error, and the next request is served."""
import signal
import os
import socket

import httpx
import pytest
from conftest import BINARY, alive, children, wait_until

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


def test_a_killed_worker_ends_its_answer_with_an_error_and_is_replaced(server):
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
    assert post(server, json=ASK).status_code == 502
    wait_until(lambda: not alive(worker), 5, "the end of the stopped worker")
    assert post(server, json=ASK).status_code == 200


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
    server = make_server()
    skipped = server.status()["skipped"]
    assert len(skipped) == 1 and "not a GGUF file" in skipped[0]["reason"]
