#!/usr/bin/env python3
"""Measures what [tiers] would be worth on a running server with a small and a larger model.

Cascade: asks the small model questions with known answers and sees whether its confidence over the first
tokens tells right answers from wrong ones, and what keeping the confident ones would give. Triage: asks it
the question of src/manager/triage.cc about requests whose class is known, and sees whether its yes tells
the classes apart. Prints a table; needs only Python.

    python3 tools/routing/measure_tiers.py URL SMALL LARGE
"""
import json
import math
import re
import statistics
import sys
import time
import urllib.request
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests" / "routing"
SYSTEM = "You judge how hard requests are. You answer with one word: yes or no."
ASKED = {
    "medium": "Does a good answer to this request need more than a short, simple reply?",
    "complex": "Does this request need expert knowledge or many steps of reasoning?",
}
HELD = 16


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def ask(url, model, messages, **more):
    """(text, log probabilities of its tokens, seconds)."""
    begin = time.monotonic()
    body = {"model": model, "messages": messages, "temperature": 0, "logprobs": True, "top_logprobs": 0, **more}
    choice = post(f"{url}/v1/chat/completions", body)["choices"][0]
    return choice["message"]["content"] or "", choice["logprobs"]["content"], time.monotonic() - begin


def area(pairs):
    """Probability that one of the true pairs has the higher value (AUC); .5 is chance."""
    yes = [value for value, truth in pairs if truth]
    no = [value for value, truth in pairs if not truth]
    if not yes or not no:
        return float("nan")
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))


def measure_cascade(url, small, large):
    questions = [line.split("\t") for line in (TESTS / "short_answers.txt").read_text().splitlines() if line and line[0] != "#"]
    rows = []
    for question, right in questions:
        messages = [{"role": "user", "content": question}]
        text, tokens, seconds = ask(url, small, messages, max_tokens=32)
        held = [token["logprob"] for token in tokens[:HELD]]
        confidence = math.exp(statistics.fmean(held)) if held else 0
        cost = seconds * min(1, HELD / max(len(tokens), 1))
        other, _, large_seconds = ask(url, large, messages, max_tokens=32)
        rows.append((confidence, bool(re.search(right, text, re.I)), bool(re.search(right, other, re.I)), seconds, cost, large_seconds))
    count = len(rows)
    print(f"cascade: {count} questions, right: small {sum(row[1] for row in rows) / count:.2f}, large {sum(row[2] for row in rows) / count:.2f}")
    print(f"confidence tells right from wrong, AUC: {area([(row[0], row[1]) for row in rows]):.2f}")
    print(f"mean seconds: small {statistics.fmean(row[3] for row in rows):.2f}, its first {HELD} tokens {statistics.fmean(row[4] for row in rows):.2f}, "
          f"large {statistics.fmean(row[5] for row in rows):.2f}")
    print("least confidence | kept | right of the kept | right in all | seconds")
    for least in (0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01):
        kept = [row for row in rows if row[0] >= least]
        thrown = [row for row in rows if row[0] < least]
        right = sum(row[1] for row in kept) + sum(row[2] for row in thrown)
        seconds = sum(row[3] for row in kept) + sum(row[4] + row[5] for row in thrown)
        of_kept = f"{sum(row[1] for row in kept) / len(kept):.2f}" if kept else "-"
        print(f"{least:.2f} | {len(kept) / count:.2f} | {of_kept} | {right / count:.2f} | {seconds / count:.2f}")


def yes_probability(url, model, text, boundary):
    content = f"Request:\n{text}\n\n{ASKED[boundary]} Answer yes or no."
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]
    _, tokens, seconds = ask(url, model, messages, max_tokens=1, top_logprobs=20)
    said = {"yes": 0.0, "no": 0.0}
    for token in tokens[0]["top_logprobs"] if tokens else []:
        word = re.sub("[^a-z]", "", token["token"].lower())
        if word in said:
            said[word] += math.exp(token["logprob"])
    total = said["yes"] + said["no"]
    return (said["yes"] / total if total >= 0.02 else None), seconds


def measure_triage(url, model):
    requests = [line.split("|", 2) for line in (TESTS / "ordinary_validation.txt").read_text().splitlines() if line and line[0] != "#"]
    for boundary, above in (("medium", "MC"), ("complex", "C")):
        pairs, near, times, silent = [], [], [], 0
        for truth, _, text in requests:
            dry = post(f"{url}/pensieve/v1/route", {"messages": [{"role": "user", "content": text}]})
            said, seconds = yes_probability(url, model, text[:1200], boundary)
            times.append(seconds)
            if said is None:
                silent += 1
                continue
            pairs.append((said, truth in above))
            if 0.25 <= dry["complexity"]["score"] <= 0.75:
                near.append((said, truth in above))
        right = sum((said > 0.5) == truth for said, truth in pairs) / max(len(pairs), 1)
        base = max(sum(truth for _, truth in pairs), sum(not truth for _, truth in pairs)) / max(len(pairs), 1)
        print(f"triage, at least {boundary}: {len(pairs)} answers ({silent} neither yes nor no), AUC {area(pairs):.2f}, right {right:.2f} "
              f"(always the same: {base:.2f}); middling scores: {len(near)}, AUC {area(near):.2f}; {statistics.fmean(times) * 1000:.0f} ms each")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    url, small, large = sys.argv[1:]
    measure_cascade(url, small, large)
    measure_triage(url, small)


if __name__ == "__main__":
    main()
