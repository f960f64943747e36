#!/usr/bin/env python3
"""Compares Pensieve with llama-server and llama-bench on one model, in interleaved rounds.

Every figure is taken from all contenders in every round, so that a change of the machine's speed meets all alike; what
counts is the ratio within a round. A round in which foreign processes used the processor is repeated.
"""
import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from contenders import LlamaServer, Pensieve, Server, Settings, llama_bench_tps
from cpu_watch import CpuWatch, describe_machine, physical_cores, resident_bytes
from report import Report, markdown, update_page

MOST_FOREIGN_CORES = 0.15
FIRST_TOKEN_PROBES = 5


class Comparison:
    def __init__(self, options: argparse.Namespace, folder: Path):
        threads = options.threads or physical_cores()
        self.options = options
        self.settings = Settings(options.model.resolve(), threads, options.context, max(options.streams), options.binary)
        # Lists of numbers can be guessed in part; what is compared here is the way of a token, not how many are saved.
        self.pensieve = Pensieve(self.settings, folder, engine_speculation="off")
        try:
            self.idle_bytes = resident_bytes(self.pensieve.process.pid)
            self.llama = LlamaServer(self.settings, folder)
        except BaseException:
            self.pensieve.stop()
            raise
        self.prompts = 0
        self.prompt_tokens = 0  # of each prompt

    def stop(self) -> None:
        self.pensieve.stop()
        self.llama.stop()

    def prompt(self) -> str:
        """A short prompt that no cache knows and that a model goes on with: a list of numbers."""
        self.prompts += 1
        start = 1000 + 37 * self.prompts
        return f"{start} {start + 1} {start + 2} {start + 3} {start + 4}"

    def warm_up(self) -> None:
        for server in (self.pensieve, self.llama):
            answers = server.complete([self.prompt() for _ in range(self.settings.streams)], 8)
        self.prompt_tokens = answers[0].usage["prompt_tokens"]

    def single_stream(self, server: Server) -> dict:
        before = self.pensieve.engine_seconds()
        answer = server.complete([self.prompt()], self.options.tokens)[0]
        figures = {"decode_tps": answer.decode_tps}
        if server is self.pensieve:
            own = self.pensieve.engine_seconds()["decode"] - before.get("decode", 0.0)
            figures["engine_decode_tps"] = (answer.tokens - 1) / own
        else:
            figures["engine_decode_tps"] = answer.timings["predicted_per_second"]
        return figures

    def first_token(self, server: Server) -> dict:
        """Milliseconds to the first token, and how much of that is not the engine's prefill. Medians of a few probes."""
        totals, beyond = [], []
        for _ in range(FIRST_TOKEN_PROBES):
            before = self.pensieve.engine_seconds()
            answer = server.complete([self.prompt()], 2)[0]
            if server is self.pensieve:
                prefill_s = self.pensieve.engine_seconds()["prefill"] - before.get("prefill", 0.0)
            else:
                prefill_s = answer.timings["prompt_ms"] / 1000
            totals.append(1000 * answer.first_token_s)
            beyond.append(1000 * (answer.first_token_s - prefill_s))
        middle = FIRST_TOKEN_PROBES // 2
        return {"first_token_ms": sorted(totals)[middle], "beyond_prefill_ms": sorted(beyond)[middle]}

    def streams(self, server: Server) -> dict:
        figures = {}
        for count in self.options.streams:
            answers = server.complete([self.prompt() for _ in range(count)], self.options.stream_tokens)
            seconds = max(answer.ended for answer in answers) - min(answer.sent for answer in answers)
            figures[f"streams_{count}_tps"] = sum(answer.tokens for answer in answers) / seconds
        return figures

    def round(self, number: int) -> dict:
        """All measurements once; the order turns around from round to round."""
        watch = CpuWatch()
        contenders = [self.pensieve, self.llama, None] if number % 2 else [None, self.llama, self.pensieve]
        figures: dict = {"llama-bench": {}, "Pensieve": {}, "llama-server": {}}
        for contender in contenders:
            if contender is None:
                figures["llama-bench"]["decode_tps"] = llama_bench_tps(self.settings, self.options.tokens, self.prompt_tokens)
            else:
                figures[contender.name].update(self.single_stream(contender))
        for measure in (self.first_token, self.streams):
            for contender in contenders:
                if contender is not None:
                    figures[contender.name].update(measure(contender))
        foreign = watch.foreign_cores()
        return {"figures": figures, "foreign_cores": foreign, "counts": foreign is None or foreign <= MOST_FOREIGN_CORES}

    def run(self) -> Report:
        self.warm_up()
        rounds: list[dict] = []
        while sum(one["counts"] for one in rounds) < self.options.rounds and len(rounds) < 2 * self.options.rounds:
            began = time.monotonic()
            rounds.append(self.round(len(rounds)))
            show_progress(rounds, time.monotonic() - began)
        return Report(
            machine=describe_machine(),
            model=self.settings.model.name,
            threads=self.settings.threads,
            context=self.settings.context,
            tokens=self.options.tokens,
            stream_tokens=self.options.stream_tokens,
            streams=self.options.streams,
            rounds=rounds,
            supervisor_idle_bytes=self.idle_bytes,
            supervisor_after_bytes=resident_bytes(self.pensieve.process.pid),
        )


def show_progress(rounds: list[dict], seconds: float) -> None:
    last = rounds[-1]
    figures = last["figures"]
    ratio = figures["Pensieve"]["decode_tps"] / figures["llama-bench"]["decode_tps"]
    foreign = "unknown" if last["foreign_cores"] is None else f"{last['foreign_cores']:.2f}"
    remark = "" if last["counts"] else ", does not count"
    print(f"round {len(rounds)}: {seconds:.0f} s, decode at {ratio:.3f} of llama-bench, {foreign} cores used by others{remark}", file=sys.stderr)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file (default: the starter model)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--threads", type=int, default=0, help="threads of each contender (default: physical cores)")
    parser.add_argument("--context", type=int, default=8192, help="tokens of context (8192)")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of a single answer (128)")
    parser.add_argument("--stream-tokens", type=int, default=64, help="tokens of each of several answers (64)")
    parser.add_argument("--streams", type=lambda text: [int(one) for one in text.split(",")], default=[1, 2, 4, 8], help="numbers of answers at once (1,2,4,8)")
    parser.add_argument("--json", type=Path, help="file for all figures of all rounds")
    parser.add_argument("--update", type=Path, help="page whose table is replaced (docs/performance.md)")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="pensieve-bench-") as folder:
        comparison = Comparison(options, Path(folder))
        try:
            report = comparison.run()
        finally:
            comparison.stop()
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    if not report.counted:
        sys.exit("error: others used the processor in every round; run this again while the machine is quiet")
    text = markdown(report)
    print(text)
    if options.update:
        update_page(options.update, text)
    if len(report.counted) < options.rounds:
        sys.exit(f"error: only {len(report.counted)} of {options.rounds} rounds count: others used the processor in the rest")


if __name__ == "__main__":
    main()
