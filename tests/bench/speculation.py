#!/usr/bin/env python3
"""Measures what guessing tokens ahead (engine.speculation) gains when a model repeats a function with a rename.

Two servers, with and without, answer the same request in interleaved rounds; the ratio within a round counts. What
the gain could be follows from figures of the same round that have nothing to do with guessing: the time of a step
that decodes 1, 2, 4 and 8 tokens (as many streams of the server without), and how many guesses were right.
"""
import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contenders import Pensieve, Settings
from cpu_watch import CpuWatch, describe_machine, physical_cores
from http_stream import stream_all
from report import spread, update_page

BEGIN, END = "<!-- table of ./dev bench speculation: begin -->", "<!-- table of ./dev bench speculation: end -->"
MOST_FOREIGN_CORES = 0.15
STREAMS = [1, 2, 4, 8]


def function_text(name: str) -> list[str]:
    """A function of 60 lines."""
    steps = ["left", "right", "upper", "lower", "inner", "outer", "first", "last", "near", "far", "old", "new", "odd", "even"]
    lines = [f"static int update_{name}s(struct table *table, int {name}, int limit) {{", "    int count = 0;", f"    if ({name} < 0) return -1;"]
    for number, step in enumerate(steps):
        lines += [
            f"    if ({name} > {number * 3 + 1} && table->{step} != NULL) {{",
            f"        table->{step}->value += {name} * {number + 2};",
            f"        count += check_{step}(table, {name}, limit - {number});",
            "    }",
        ]
    return lines + ["    return count;", "}"]


def edit_prompt() -> str:
    """The function, the task, and how the edited function begins: what a model of any size can go on from."""
    old, new = function_text("index"), function_text("offset")
    return "\n".join(["// Before: the variable is called index.", *old, "", "// After: the same function, index renamed to offset.", *new[:9], ""])


@dataclass
class Edit:
    seconds: float  # from the first token to the last, by the engine's clock
    tokens: int
    accepted: int
    rejected: int
    text: str

    @property
    def tps(self) -> float:
        return (self.tokens - 1) / self.seconds


class Measuring:
    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options = options
        threads = options.threads or physical_cores()
        self.settings = Settings(options.model.resolve(), threads, options.context, max(STREAMS), options.binary)
        self.plain = Pensieve(self.settings, folder / "plain", engine_speculation="off")
        try:
            self.guessing = Pensieve(self.settings, folder / "guessing", engine_speculation="auto")
        except BaseException:
            self.plain.stop()
            raise
        self.prompts = 0

    def stop(self) -> None:
        self.plain.stop()
        self.guessing.stop()

    def edit(self, server: Pensieve) -> Edit:
        before = server.engine_seconds().get("decode", 0.0)
        body = {"model": "auto", "prompt": edit_prompt(), "max_tokens": self.options.tokens, "temperature": 0, "stream": True}
        answer = stream_all(server.port, "/v1/completions", [{**body, "stream_options": {"include_usage": True}}])[0]
        details = answer.usage["completion_tokens_details"]
        seconds = server.engine_seconds()["decode"] - before
        return Edit(seconds, answer.tokens, details["accepted_prediction_tokens"], details["rejected_prediction_tokens"], answer.text)

    def step_seconds(self) -> dict[int, float]:
        """Time of a step by the tokens that it decodes, after the same prompt: as many streams of the plain server."""
        seconds = {}
        for count in STREAMS:
            self.prompts += 1
            # Prompts that share nearly all of their cells, as the tokens of one stream do.
            prompts = [edit_prompt() + f"    // {self.prompts}.{stream}" for stream in range(count)]
            before = self.plain.engine_seconds()["decode"]
            answers = self.plain.complete(prompts, self.options.step_tokens)
            # The last to begin decodes beside all others until the first ends.
            begin = max(answer.text_times[0] for answer in answers)
            end = min(answer.text_times[-1] for answer in answers)
            steps = min(sum(begin < time <= end for time in answer.text_times) for answer in answers)
            seconds[count] = (end - begin) / steps if count > 1 else (self.plain.engine_seconds()["decode"] - before) / (answers[0].tokens - 1)
        return seconds

    def round(self, number: int) -> dict:
        watch = CpuWatch()
        order = [self.plain, self.guessing] if number % 2 else [self.guessing, self.plain]
        edits = {server: self.edit(server) for server in order}
        steps = self.step_seconds()
        foreign = watch.foreign_cores()
        plain, guessing = edits[self.plain], edits[self.guessing]
        return {
            "plain": vars(plain),
            "guessing": vars(guessing),
            "step_seconds": steps,
            "gain": guessing.tps / plain.tps,
            "possible_gain": possible_gain(guessing, steps),
            "same_text": plain.text == guessing.text,
            "foreign_cores": foreign,
            "counts": self.options.any_load or foreign is None or foreign <= MOST_FOREIGN_CORES,
        }

    def run(self) -> list[dict]:
        for server in (self.plain, self.guessing):
            self.edit(server)
        rounds: list[dict] = []
        while sum(one["counts"] for one in rounds) < self.options.rounds and len(rounds) < 2 * self.options.rounds:
            rounds.append(self.round(len(rounds)))
            last = rounds[-1]
            remark = "" if last["counts"] else ", does not count"
            print(f"round {len(rounds)}: {last['gain']:.2f} times as fast, {last['possible_gain']:.2f} possible, {last['foreign_cores'] or 0:.2f} cores used by others{remark}", file=sys.stderr)
        return rounds


def possible_gain(edit: Edit, step_seconds: dict[int, float]) -> float:
    """How much faster the same steps are than one token a step, if nothing but the model's time counts: a step's
    time is taken as a line through the measured ones."""
    line = statistics.linear_regression(list(step_seconds), list(step_seconds.values()))
    steps = edit.tokens - 1 - edit.accepted
    seconds = steps * line.intercept + (steps + edit.accepted + edit.rejected) * line.slope
    return (edit.tokens - 1) * step_seconds[1] / seconds


def markdown(rounds: list[dict], measuring: Measuring) -> str:
    counted = [one for one in rounds if one["counts"]]

    def row(title: str, values: list[float], digits: int = 1) -> str:
        return f"| {title} | {spread(values, digits)} |"

    def of(kind: str) -> list[Edit]:
        return [Edit(**one[kind]) for one in counted]

    settings = measuring.settings
    lines = [
        f"{describe_machine()}. Model {settings.model.name}, {settings.threads} thread(s), {of('plain')[0].tokens} tokens of answer, greedy; "
        f"median (least to most) of {len(counted)} rounds.",
        "",
        "| a function of 60 lines, repeated with a rename | |",
        "|-|-|",
        row("tok/s without guesses", [edit.tps for edit in of("plain")]),
        row("tok/s with guesses", [edit.tps for edit in of("guessing")]),
        row("gain, by round", [one["gain"] for one in counted], 2),
        row("gain that the steps' times and the right guesses allow", [one["possible_gain"] for one in counted], 2),
        row("reached of that", [one["gain"] / one["possible_gain"] for one in counted], 2),
        row("tokens of the answer that were guessed, in percent", [100 * edit.accepted / edit.tokens for edit in of("guessing")]),
        row("guesses that were wrong, in percent", [100 * edit.rejected / max(1, edit.accepted + edit.rejected) for edit in of("guessing")]),
        *(row(f"ms of a step of {count} tokens", [1000 * one["step_seconds"][count] for one in counted]) for count in STREAMS),
    ]
    same = sum(one["same_text"] for one in counted)
    foreign = [one["foreign_cores"] for one in counted if one["foreign_cores"] is not None]
    lines += ["", f"The same text with and without guesses in {same} of {len(counted)} rounds."]
    if foreign and max(foreign) > MOST_FOREIGN_CORES:
        lines[-1] += f" Meanwhile other processes used {spread(foreign, 2)} cores."
    return "\n".join(lines)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench speculation", description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file (default: the starter model)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--threads", type=int, default=0, help="threads (default: physical cores)")
    parser.add_argument("--context", type=int, default=16384, help="tokens of context (16384)")
    parser.add_argument("--tokens", type=int, default=900, help="most tokens of the answer (900)")
    parser.add_argument("--step-tokens", type=int, default=32, help="tokens of the answers that steps are timed with (32)")
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
    text = markdown(rounds, measuring)
    print(text)
    if options.update:
        update_page(options.update, text, BEGIN, END)


if __name__ == "__main__":
    main()
