"""Claude Code's own command line takes a turn against the server. It is installed for these tests, once (its version is below);
they are skipped where that can't be done. PENSIEVE_CLAUDE names one that is there already."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = "@anthropic-ai/claude-code"
VERSION = "2.1.332"

pytestmark = pytest.mark.skipif("PENSIEVE_LONG_TESTS" not in os.environ, reason="its prompt takes minutes to read without a GPU: PENSIEVE_LONG_TESTS=1")


def install(folder: Path) -> bool:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    npm = ["npm", "install", "--prefix", part, "--silent", "--no-audit", "--no-fund", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    setup = ["node", part / "node_modules" / PACKAGE / "install.cjs"]
    if any(subprocess.run(command, capture_output=True, timeout=300).returncode != 0 for command in (npm, setup)):
        return False
    part.rename(folder)
    return True


@pytest.fixture(scope="session")
def claude() -> str:
    if given := os.environ.get("PENSIEVE_CLAUDE"):
        return given
    folder = Path(os.environ["PENSIEVE_NODE_MODULES"]).parent.parent / f"claude-code-{VERSION}"
    if not folder.exists() and not install(folder):
        pytest.skip(f"{PACKAGE} can't be installed")
    return str(folder / "node_modules" / ".bin" / "claude")


def run_claude(claude, server, home, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "local",
                   "ANTHROPIC_MODEL": "auto", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "600",
                   "CLAUDE_CODE_MAX_RETRIES": "0", "DISABLE_AUTOUPDATER": "1"}
    return subprocess.run([claude, "-p", "What is the capital of France?", "--system-prompt", "You are a helpful assistant.",
                           "--tools", "", "--output-format", "json", *arguments],
                          env=environment, cwd=home, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)


def test_claude_code_completes_a_turn(claude, server, tmp_path):
    run = run_claude(claude, server, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert result["is_error"] is False and result["result"].strip(), result
    assert result["usage"]["output_tokens"] > 0


def test_claude_code_says_that_a_model_is_not_there(claude, server, tmp_path):
    run = run_claude(claude, server, tmp_path, "--model", "no-such-model")
    assert "no-such-model" in run.stdout + run.stderr
