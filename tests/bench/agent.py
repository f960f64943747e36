#!/usr/bin/env python3
"""A coding agent's session, replayed: how much of its prompts is reused, and how long it waits for first tokens.

Pensieve and llama-server get each request one after the other. In the middle of the session both are stopped and started again;
after it, too, and then a second session on the same project begins. What could be reused: all of the prompt before,
where a conversation goes on; in the first turn of the second session, the system prompt up to the state of the repository.
Tokens are counted by the engines.
"""
import argparse
import http.client
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from agent_session import MAIN, SIDE, SUB_AGENT, AgentSession, Request
from contenders import LlamaServer, Pensieve, Server, Settings
from cpu_watch import CpuWatch, describe_machine, physical_cores
from report import spread, update_page

BEGIN, END = "<!-- table of ./dev bench agent: begin -->", "<!-- table of ./dev bench agent: end -->"
SECOND = "second session, first turn"
FIRST_KINDS = [MAIN, SUB_AGENT, SIDE]


@dataclass
class Turn:
    kind: str
    prompt_tokens: int
    cached_tokens: int
    reusable_tokens: int
    first_token_s: float


def ask(server: Server, body: dict) -> tuple[float, dict]:
    """Sends a streaming request. Seconds to its first text, and the usage told at its beginning."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    sent = time.perf_counter()
    connection.request("POST", "/v1/messages?beta=true", json.dumps(body), {"content-type": "application/json", "x-api-key": "local"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{server.name} answered {answer.status}: {answer.read()[:400]!r}")
    first, usage = 0.0, {}
    for line in answer:
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[6:])
        if event["type"] == "message_start":
            usage = event["message"]["usage"]
        # An answer may end without a word; then its end is what the client waits for.
        if event["type"] in ("content_block_delta", "message_delta") and not first:
            first = time.perf_counter() - sent
    connection.close()
    return first, usage


class Contender:
    """A server that can be started anew with the same folder, and what it was asked so far."""

    def __init__(self, start):
        self._start = start
        self.server: Server = start()
        self.turns: list[Turn] = []
        self._last: dict[str, int] = {}

    def restart(self) -> None:
        self.server.stop()
        self.server = self._start()
        ask(self.server, AgentSession(99).requests()[1].body)  # a word, so that no reading of the model's file is measured

    def replay(self, request: Request, kind: str = "", reusable: int = 0) -> None:
        seconds, usage = ask(self.server, request.body)
        cached = usage.get("cache_read_input_tokens", 0)
        prompt = usage["input_tokens"] + cached
        if request.continues:
            reusable = self._last[request.kind]
        self._last[request.kind] = prompt
        self.turns.append(Turn(kind or request.kind, prompt, cached, reusable, seconds))

    def total(self, figure: str, kinds: list[str]) -> float:
        return sum(getattr(turn, figure) for turn in self.turns if turn.kind in kinds)


def count_tokens(server: Server, body: dict) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    asked = {key: value for key, value in body.items() if key in ("model", "system", "messages", "tools", "tool_choice")}
    connection.request("POST", "/v1/messages/count_tokens", json.dumps(asked), {"content-type": "application/json", "x-api-key": "local"})
    return json.loads(connection.getresponse().read())["input_tokens"]


def replay(options: argparse.Namespace, folder: Path, seed: int) -> list[Contender]:
    """[Pensieve, llama-server] after a whole session. Error: one of them refuses a request."""
    folder.mkdir()
    settings = Settings(options.model.resolve(), options.threads or physical_cores(), options.context, 4, options.binary)
    contenders = [Contender(lambda: Pensieve(settings, folder / "pensieve", engine_speculation="off"))]
    try:
        contenders.append(Contender(lambda: LlamaServer(settings, folder, "--kv-unified")))
        requests = AgentSession(seed, options.turns).requests()
        for number, request in enumerate(requests):
            if number == len(requests) // 2:
                for contender in contenders:
                    contender.restart()
            for contender in contenders if number % 2 else reversed(contenders):
                contender.replay(request)
        other = AgentSession(seed + 1000, 1).requests()[0]
        # Beyond the rules, the two prompts differ from the state of the repository on.
        shared = {**other.body, "system": other.body["system"][:2], "messages": [{"role": "user", "content": "."}]}
        for contender in contenders:
            contender.restart()
            contender.replay(other, SECOND, count_tokens(contenders[0].server, shared) if contender is contenders[0] else 0)
    finally:
        for contender in contenders:
            contender.server.stop()
    return contenders


def reused(contender: Contender, kinds: list[str]) -> float:
    """Of the tokens that could be reused, in percent; more where a side call begins as others did."""
    turns = [turn for turn in contender.turns if turn.kind in kinds and turn.reusable_tokens > 0]
    return 100 * sum(min(turn.cached_tokens, turn.reusable_tokens) for turn in turns) / sum(turn.reusable_tokens for turn in turns)


def markdown(rounds: list[list[Contender]], options: argparse.Namespace) -> str:
    lines = [
        f"{describe_machine()}. Model {options.model.name}, {options.context} tokens of context, {options.turns} turns, a restart in the "
        f"middle; median (least to most) of {len(rounds)} sessions.",
        "",
        "| | requests | tokens of prompts | reused of what could be, % | s to first tokens, in all | llama-server | Pensieve's share |",
        "|-|-|-|-|-|-|-|",
    ]
    for title, kinds in [*((kind, [kind]) for kind in FIRST_KINDS), ("whole session", FIRST_KINDS), (SECOND, [SECOND])]:
        ours, theirs = zip(*rounds)
        waits = [[one.total("first_token_s", kinds) for one in side] for side in (ours, theirs)]
        share = "" if kinds == [SIDE] else spread([reused(one, kinds) for one in ours])
        lines.append(
            f"| {title} | {sum(turn.kind in kinds for turn in ours[0].turns)} | {spread([one.total('prompt_tokens', kinds) for one in ours], 0)} | {share} | "
            f"{spread(waits[0], 2)} | {spread(waits[1], 2)} | {spread([a / b for a, b in zip(*waits)], 3)} |")
    return "\n".join(lines)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench agent", description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file (default: the starter model)")
    parser.add_argument("--rounds", type=int, default=1, help="sessions (1)")
    parser.add_argument("--turns", type=int, default=12, help="turns of the main conversation (12)")
    parser.add_argument("--context", type=int, default=8192, help="tokens of context (8192)")
    parser.add_argument("--threads", type=int, default=0, help="threads of each contender (default: physical cores)")
    parser.add_argument("--json", type=Path, help="file for all figures of all turns")
    parser.add_argument("--update", type=Path, help="page whose table is replaced (docs/performance.md)")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    rounds = []
    with tempfile.TemporaryDirectory(prefix="pensieve-bench-") as folder:
        for number in range(options.rounds):
            watch = CpuWatch()
            rounds.append(replay(options, Path(folder) / str(number), number))
            print(f"session {number + 1}: {watch.foreign_cores() or 0:.2f} cores used by others", file=sys.stderr)
    if options.json:
        figures = [[[vars(turn) for turn in contender.turns] for contender in one] for one in rounds]
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    text = markdown(rounds, options)
    print(text)
    if options.update:
        update_page(options.update, text, BEGIN, END)


if __name__ == "__main__":
    main()
