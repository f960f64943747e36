"""The official Node clients, unchanged: node/ has one script for each."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import STARTER_ID

SCRIPTS = Path(__file__).parent / "node"


@pytest.mark.parametrize("script", ["openai.cjs", "anthropic.cjs", "ollama.cjs", "tools.cjs", "ai-sdk.mjs"])
def test_the_official_node_client_works(server, keyed_server, script, tmp_path):
    # Modules look for packages in the folders above them.
    (tmp_path / "node_modules").symlink_to(os.environ["PENSIEVE_NODE_MODULES"])
    for name in (script, "common.cjs"):
        shutil.copy(SCRIPTS / name, tmp_path)
    environment = {**os.environ, "URL": server.url, "KEYED_URL": keyed_server.url, "MODEL": STARTER_ID}
    run = subprocess.run([shutil.which("node"), "--test", tmp_path / script], capture_output=True, text=True, timeout=300,
                         env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
