#!/usr/bin/env python3
"""Decode speed beside other programs: Pensieve and llama-server, each with its own default of threads.

None, one and two busy processes of usual priority run while both servers answer in turn; the order turns around from round
to round, and the ratio within a round counts. The busy processes belong to the measurement: the cores that others used
are told beside it, and a round with too much of that is repeated.
"""
import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from contenders import LlamaServer, Pensieve, Settings
from cpu_watch import CpuWatch, describe_machine
from report import spread, update_page

BEGIN, END = "<!-- table of ./dev bench busy: begin -->", "<!-- table of ./dev bench busy: end -->"
MOST_FOREIGN_CORES = 0.15
BUSY_PROCESSES = [0, 1, 2]


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """`count` processes that each keep a core busy for as long as they get it."""
    busy: list[subprocess.Popen] = []
    try:
        for _ in range(count):
            busy.append(subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]))
        yield
    finally:
        for process in busy:
            process.kill()
        for process in busy:
            process.wait()


class Measuring:
    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options = options
        self.settings = Settings(options.model.resolve(), 0, options.context, 1, options.binary)
        # Lists of numbers can be guessed in part; what is compared here is how threads share the cores.
        self.pensieve = Pensieve(self.settings, folder, engine_speculation="off")
        try:
            self.llama = LlamaServer(self.settings, folder)
        except BaseException:
            self.pensieve.stop()
            raise
        self.prompts = 0

    def stop(self) -> None:
        self.pensieve.stop()
        self.llama.stop()

    def decode_tps(self, server: Pensieve | LlamaServer, tokens: int) -> float:
        """Tokens a second of one answer, after a short prompt that no cache knows."""
        self.prompts += 1
        start = 1000 + 37 * self.prompts
        prompt = " ".join(str(start + step) for step in range(5))
        return server.complete([prompt], tokens)[0].decode_tps

    def round(self, number: int) -> dict:
        watch = CpuWatch()
        figures: dict = {}
        contenders = [self.pensieve, self.llama] if number % 2 else [self.llama, self.pensieve]
        for count in BUSY_PROCESSES:
            with busy_processes(count):
                figures[count] = {server.name: self.decode_tps(server, self.options.tokens) for server in contenders}
        foreign = watch.foreign_cores()
        return {"figures": figures, "foreign_cores": foreign, "counts": self.options.any_load or foreign is None or foreign <= MOST_FOREIGN_CORES}

    def run(self) -> list[dict]:
        for server in (self.pensieve, self.llama):
            self.decode_tps(server, 8)
        rounds: list[dict] = []
        while sum(one["counts"] for one in rounds) < self.options.rounds and len(rounds) < 2 * self.options.rounds:
            rounds.append(self.round(len(rounds)))
            last = rounds[-1]
            remark = "" if last["counts"] else ", does not count"
            gains = ", ".join(f"{ratio(last, count):.2f} beside {count}" for count in BUSY_PROCESSES)
            print(f"round {len(rounds)}: times llama-server's speed: {gains}; {last['foreign_cores'] or 0:.2f} cores used by others{remark}", file=sys.stderr)
        return rounds


def ratio(one: dict, count: int) -> float:
    return one["figures"][count]["Pensieve"] / one["figures"][count]["llama-server"]


def markdown(rounds: list[dict], settings: Settings, tokens: int) -> str:
    counted = [one for one in rounds if one["counts"]]
    lines = [
        f"{describe_machine()}. Model {settings.model.name}, default threads, one greedy answer of {tokens} tokens at a time, tok/s; "
        f"median (least to most) of {len(counted)} rounds.",
        "",
        "| busy processes | Pensieve | llama-server | times llama-server's speed, by round |",
        "|-|-|-|-|",
    ]
    for count in BUSY_PROCESSES:
        speeds = [spread([one["figures"][count][name] for one in counted]) for name in ("Pensieve", "llama-server")]
        lines.append(f"| {count or 'none'} | {' | '.join(speeds)} | {spread([ratio(one, count) for one in counted], 2)} |")
    foreign = [one["foreign_cores"] for one in counted if one["foreign_cores"] is not None]
    if foreign:
        lines += ["", f"Beside the busy processes others used {spread(foreign, 2)} cores."]
    if len(counted) < len(rounds):
        lines.append(f"{len(rounds) - len(counted)} rounds left out, in which others used more than {MOST_FOREIGN_CORES} cores.")
    return "\n".join(lines)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench busy", description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file (default: the starter model)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--context", type=int, default=4096, help="tokens of context (4096)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of an answer (64)")
    parser.add_argument("--any-load", action="store_true", help="let rounds count in which others use the processor; the table says so")
    parser.add_argument("--json", type=Path, help="file for all figures of all rounds")
    parser.add_argument("--update", type=Path, help="page whose table is replaced (docs/performance.md)")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="pensieve-bench-") as folder:
        measuring = Measuring(options, Path(folder))
        try:
            rounds = measuring.run()
        finally:
            measuring.stop()
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1) + "\n")
    if not any(one["counts"] for one in rounds):
        sys.exit("error: others used the processor in every round; run this again while the machine is quiet")
    text = markdown(rounds, measuring.settings, options.tokens)
    print(text)
    if options.update:
        update_page(options.update, text, BEGIN, END)


if __name__ == "__main__":
    main()
