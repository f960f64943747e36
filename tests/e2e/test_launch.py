"""`pensieve launch`, with a stand-in for the agent."""
import json
import os
import subprocess

import pytest
from conftest import BINARY


def launch(server, tmp_path, *arguments, path=None):
    environment = {**os.environ, "PENSIEVE_HOME": str(server.home), "PATH": f"{path or tmp_path}:/usr/bin:/bin"}
    return subprocess.run([BINARY, "launch", *arguments], env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def agents(tmp_path):
    """Agents that print their arguments and environment."""
    for name in ("claude", "codex", "opencode"):
        (tmp_path / name).write_text("#!/usr/bin/python3\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_claude_gets_the_server_and_the_true_window(server, agents):
    run = launch(server, agents, "claude", "--", "-p", "Hello there")
    assert run.returncode == 0, run.stderr
    arguments, environment = json.loads(run.stdout)
    assert arguments == ["-p", "Hello there"]
    assert environment["ANTHROPIC_BASE_URL"] == server.url
    assert environment["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == "8192"
    assert "agents want" in run.stderr


def test_codex_gets_a_provider_and_opencode_a_configuration(server, agents):
    arguments, environment = json.loads(launch(server, agents, "codex", "--", "exec", "Hi").stdout)
    assert f'model_providers.pensieve.base_url="{server.url}/v1"' in arguments and arguments[-2:] == ["exec", "Hi"]
    _, environment = json.loads(launch(server, agents, "opencode", "-m", "primary").stdout)
    config = json.loads(environment["OPENCODE_CONFIG_CONTENT"])
    assert config["model"] == "pensieve/primary"
    assert config["provider"]["pensieve"]["options"]["baseURL"] == f"{server.url}/v1"


def test_an_agent_that_is_not_installed_is_an_error_that_says_how(server, tmp_path):
    run = launch(server, tmp_path, "codex")
    assert run.returncode == 1 and "codex is not installed" in run.stderr and "npm install" in run.stderr
    assert launch(server, tmp_path, "emacs").returncode == 1
    shown = launch(server, tmp_path, "claude", "--print")
    assert shown.returncode == 0 and f"ANTHROPIC_BASE_URL={server.url}" in shown.stdout
