#!/usr/bin/env python3
"""What holding an answer to a form costs: decode speed of constrained answers against free ones.

Free and constrained answers to the same prompt take turns, each round in another order; the ratio within a round counts.
Times are the engine's own, from the first token to the last.
"""
import argparse
import json
import tempfile
import urllib.request
from pathlib import Path

from contenders import Pensieve, Settings
from cpu_watch import CpuWatch, describe_machine, physical_cores
from report import spread

PERSON = {
    "type": "object", "additionalProperties": False, "required": ["name", "age", "role", "email", "active"],
    "properties": {
        "name": {"type": "string", "maxLength": 40}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "role": {"enum": ["engineer", "designer", "manager", "support"]}, "email": {"type": "string", "format": "email"},
        "active": {"type": "boolean"}, "notes": {"type": "array", "items": {"type": "string", "maxLength": 60}, "maxItems": 3}}}
PEOPLE = {"type": "object", "additionalProperties": False, "required": ["people"],
          "properties": {"people": {"type": "array", "items": PERSON, "minItems": 3}}}
STORY = {"type": "object", "additionalProperties": False, "required": ["title", "paragraphs"],
         "properties": {"title": {"type": "string"}, "paragraphs": {"type": "array", "items": {"type": "string", "minLength": 100}, "minItems": 2}}}
BOOK = {"type": "object", "additionalProperties": False, "required": ["chapters"],
        "properties": {"chapters": {"type": "array", "items": STORY, "minItems": 20}}}
TOOL = {"type": "function", "function": {"name": "save_people", "parameters": PEOPLE}}


def schema(one: dict) -> dict:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "form", "schema": one, "strict": True}}}


KINDS = {
    "free text": {},
    "JSON mode": {"response_format": {"type": "json_object"}},
    "schema of long texts": schema(STORY),
    "schema of records": schema(PEOPLE),
    "schema without room for a whole": schema(BOOK),
    "a forced tool call": {"tools": [TOOL], "tool_choice": "required"},
}
FREE = "free text"


def decode_tps(server: Pensieve, fields: dict, tokens: int, seed: int, temperature: float) -> float:
    body = {"model": "auto", "max_tokens": tokens, "temperature": temperature, "seed": seed, **fields,
            "messages": [{"role": "user", "content": "Tell me at length about the people who work in a small company."}]}
    # An answer that ends early is too short to measure.
    for attempt in range(20):
        body["seed"] = seed + 1000 * attempt
        before = server.engine_seconds().get("decode", 0.0)
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/chat/completions", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            sampled = json.load(answer)["usage"]["completion_tokens"]
        if sampled >= tokens // 2:
            return (sampled - 1) / (server.engine_seconds()["decode"] - before)
    raise RuntimeError(f"no answer to {fields} had {tokens // 2} tokens")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench constrained", description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file (default: the starter model)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds (9)")
    parser.add_argument("--tokens", type=int, default=160, help="most tokens of an answer (160)")
    parser.add_argument("--temperature", type=float, default=1.0, help="of all answers (1)")
    parser.add_argument("--threads", type=int, default=0, help="threads of the engine (default: physical cores)")
    options = parser.parse_args()
    settings = Settings(options.model.resolve(), options.threads or physical_cores(), 4096, 1, options.binary)
    names = list(KINDS)
    speeds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="pensieve-bench-") as folder:
        server = Pensieve(settings, Path(folder))
        try:
            for name in names:
                decode_tps(server, KINDS[name], options.tokens, 1, options.temperature)
            watch = CpuWatch()
            for number in range(options.rounds):
                for name in names if number % 2 else reversed(names):
                    speeds[name].append(decode_tps(server, KINDS[name], options.tokens, 10 + number, options.temperature))
            foreign = watch.foreign_cores()
        finally:
            server.stop()
    print(f"{describe_machine()}. Model {settings.model.name}, {settings.threads} threads, temperature {options.temperature:g}; "
          f"median (least to most) of {options.rounds} rounds.\n")
    print("| | tok/s | share of free text's speed, by round |\n|-|-|-|")
    for name in names:
        ratios = [speed / free for speed, free in zip(speeds[name], speeds[FREE])]
        print(f"| {name} | {spread(speeds[name], 1)} | {spread(ratios, 3) if name != FREE else ''} |")
    if foreign is not None:
        print(f"\nOther processes kept {foreign:.2f} cores busy.")


if __name__ == "__main__":
    main()
