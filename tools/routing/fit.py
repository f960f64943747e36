"""Fits the routing score's weights: see README.md beside this file.

    fit.py DATA_FOLDER [--out data/routing_weights.bin] [--cross-validate] [--leave-out]
"""
import argparse, gzip, json, re, struct, subprocess
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parents[2]
BUCKETS, FIGURES, SKETCH, COLUMNS = 1 << 14, 74, 36, 48  # as src/selector/features.h and weights.h
DOMAINS = ["code", "math", "reasoning", "knowledge", "writing", "extraction", "chat"]
CLASSES = {"simple": 0, "medium": 1, "complex": 2}
SHORTHAND = {"S": 0, "M": 1, "C": 2}
# Facts that no model knows are wrong answers, not hard tasks; rough grading makes word problems look harder.
EASY_TASKS = {"trivia_qa", "natural_qa", "openbook_qa", "commonsense_qa"}
NEVER_COMPLEX = {"gsm8k", "mbpp", "agentverse-mgsm"}
ORDINARY = {"everyday_train", "litellm_cases", "own"}
TOPIC_RIDGE, GAIN_RIDGE, FIGURE_WEIGHT, SHARPNESS, SHRINK = 2.0, 6.0, 0.1, 12.0, 20.0
HASH_FACTOR, FIGURE_FACTOR = 4.0, 0.25  # of the class heads' inputs
MIX = {"topic": 1.0, "gain": 1.0, "class": 1.0}  # chosen by --leave-out and --cross-validate together


def read_ordinary(path):
    """Rows of a file of `class|domain|prompt` lines."""
    rows = []
    for line in Path(path).read_text().splitlines():
        if line[:2] not in ("S|", "M|", "C|"):
            continue
        shorthand, domain, text = line.split("|", 2)
        text = text.replace("\\n", "\n")
        if re.match(r"(summari[sz]e|extract|classify|turn (this|these|the|notes)|from the text|pull|does this text|is this review)", text.lower()):
            domain = "extraction"
        rows.append({"source": "own", "task": "own", "domain": domain, "text": text, "label": SHORTHAND[shorthand]})
    return rows


def read_data(folder):
    rows = []
    with gzip.open(Path(folder) / "train.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            row["text"] = row["messages"][-1]["content"]
            row["label"] = CLASSES.get(row.get("class"), -1)
            rows.append(row)
    return rows


def features(rows, program):
    """Buckets (each row of length 1) and figures, as the server's own code computes them."""
    texts = [row["text"].encode() for row in rows]
    data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    raw = subprocess.run(program.split(), input=data, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout
    at, indices, starts, figures = 0, [], [0], []
    for _ in rows:
        (count,) = struct.unpack_from("<I", raw, at)
        indices.append(np.frombuffer(raw, "<u2", count, at + 4).astype(np.int32))
        figures.append(np.frombuffer(raw, "<f4", FIGURES, at + 4 + 2 * count))
        at += 4 + 2 * count + 4 * FIGURES
        starts.append(starts[-1] + count)
    assert at == len(raw), "routing_features was built for other features"
    counts = np.diff(starts)
    values = np.repeat(1 / np.sqrt(np.maximum(1, counts)), counts).astype(np.float32)
    return sparse.csr_matrix((values, np.concatenate(indices), starts), shape=(len(rows), BUCKETS)), np.array(figures)


class Problem:
    """The rows as matrices, with targets and weights."""

    def __init__(self, rows, program):
        self.rows = rows
        self.x, figures = features(rows, program)
        self.figure_mean = figures.mean(0)
        self.figure_scale = 1 / (figures.std(0) + 1e-6)
        self.f = np.clip((figures - self.figure_mean) * self.figure_scale, -3, 3).astype(np.float32)
        self.scored = np.array(["large_score" in row for row in rows])
        self.small = np.array([row.get("small_score", 0) for row in rows], float)
        self.large = np.array([row.get("large_score", 0) for row in rows], float)
        self.gain = self.large - self.small
        self.source = np.array([row["source"] for row in rows])
        self.task = np.array([row["task"] for row in rows])
        names = ["ordinary" if row["source"] in ORDINARY else f"{row['source']}/{row['task']}" for row in rows]
        self.topics, self.topic = np.unique(names, return_inverse=True)
        self.label, self.weight = self.class_targets()
        self.kernel = (self.x @ self.x.T).toarray().astype(np.float32)
        self.kernel += np.float32(FIGURE_WEIGHT / FIGURES) * (self.f @ self.f.T)
        self.joint = sparse.hstack([self.x * HASH_FACTOR, sparse.csr_matrix(self.f * FIGURE_FACTOR)]).tocsr()

    def class_targets(self):
        label, weight = np.full(len(self.rows), -1), np.zeros(len(self.rows))
        for i, row in enumerate(self.rows):
            label[i] = row["label"]
            if row["source"] in ORDINARY:
                weight[i] = 0.6 if row.get("accept") else 1
            elif row["source"] == "arena_hard" and row["label"] == 2:
                weight[i] = 0.1
            elif row["source"] == "llmrouter" and row["label"] >= 0:
                weight[i] = 0.02
                if row["task"] in EASY_TASKS:
                    label[i] = 0
                elif row["task"] in NEVER_COMPLEX:
                    label[i] = min(label[i], 1)
        return label, weight

    def topic_gains(self, train):
        """Mean gain of each topic, drawn to the mean of all where it has few rows."""
        scored = train[self.scored[train]]
        mean = self.gain[scored].mean()
        gains = np.full(len(self.topics), mean)
        for topic in range(len(self.topics)):
            own = self.gain[scored[self.topic[scored] == topic]]
            gains[topic] = (own.sum() + SHRINK * mean) / (len(own) + SHRINK)
        return gains


def ridge(problem, train, targets, strength):
    """Weights over buckets and over figures, and the bias, of ridge regression (solved in its dual)."""
    mean = targets.mean(0)
    gram = problem.kernel[np.ix_(train, train)]
    gram[np.diag_indices(len(train))] += np.float32(strength)
    factor = scipy.linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
    dual = scipy.linalg.cho_solve(factor, (targets - mean).astype(np.float32))
    return problem.x[train].T @ dual, problem.f[train].T @ dual * (FIGURE_WEIGHT / FIGURES), mean


def logistic(problem, rows, target, weight, strength=1.0):
    model = LogisticRegression(C=strength, max_iter=300).fit(problem.joint[rows], target, sample_weight=weight)
    coefficients = model.coef_ if len(model.classes_) > 2 else model.coef_[:1]
    return coefficients[:, :BUCKETS].T * HASH_FACTOR, coefficients[:, BUCKETS:].T * FIGURE_FACTOR, model.intercept_


class Model:
    """All heads, as columns over buckets and figures; the same arithmetic as src/selector/weights.cc."""

    def __init__(self, problem, train):
        one_hot = np.eye(len(problem.topics), dtype=np.float32)[problem.topic[train]]
        w, wf, b = ridge(problem, train, one_hot, TOPIC_RIDGE)
        outputs = problem.x[train] @ w + problem.f[train] @ wf
        directions = np.linalg.svd(outputs - outputs.mean(0), full_matrices=False)[2][:SKETCH]
        self.topics, self.topic_bias = directions.T, b  # [topics][SKETCH]
        present = one_hot.sum(0) > 0
        self.topic_bias = np.where(present, b, -10)
        self.topic_gain = problem.topic_gains(train)
        scored = train[problem.scored[train]]
        parts = [(w @ directions.T, wf @ directions.T, np.zeros(SKETCH)), ridge(problem, scored, problem.gain[scored][:, None], GAIN_RIDGE)]
        labelled = train[problem.weight[train] > 0]
        for boundary in (1, 2):
            parts.append(logistic(problem, labelled, problem.label[labelled] >= boundary, problem.weight[labelled]))
        named = train[[problem.rows[i].get("domain") in DOMAINS for i in train]]
        weight = np.where(np.isin(problem.source[named], list(ORDINARY)), 6.0, np.where(problem.source[named] == "arena_hard", 2.0, 0.5))
        domain = logistic(problem, named, np.array([DOMAINS.index(problem.rows[i]["domain"]) for i in named]), weight)
        parts.append(domain)
        pad = COLUMNS - sum(part[0].shape[1] for part in parts)
        self.w = np.hstack([part[0] for part in parts] + [np.zeros((BUCKETS, pad))])
        self.f = np.hstack([part[1] for part in parts] + [np.zeros((FIGURES, pad))])
        self.b = np.concatenate([np.ravel(part[2]) for part in parts] + [np.zeros(pad)])
        self.quantise()

    def quantise(self):
        self.scale = np.maximum(np.abs(self.w).max(0) / 127, 1e-12)
        self.q = np.rint(self.w / self.scale).astype(np.int8)

    def estimate(self, problem, rows):
        """topic gain, gain, medium logit, complex logit and the domains of each row."""
        out = (problem.x[rows] @ self.q.astype(np.float32)) * self.scale + problem.f[rows] @ self.f + self.b
        similarity = out[:, :SKETCH] @ self.topics.T + self.topic_bias
        share = np.exp(np.clip(SHARPNESS * similarity, -40, 40))
        share /= share.sum(1, keepdims=True)
        return np.column_stack([share @ self.topic_gain, out[:, SKETCH:SKETCH + 3], out[:, SKETCH + 3:SKETCH + 3 + len(DOMAINS)]])


class Mix:
    """The last step's constants, from estimates of rows that the model has not seen."""

    def __init__(self, problem, rows, estimates):
        scored = problem.scored[rows]
        task = estimates[:, 2:4].mean(1)
        self.mean = [estimates[scored, 0].mean(), estimates[scored, 1].mean(), task[scored].mean()]
        self.scale = [1 / estimates[scored, 0].std(), 1 / estimates[scored, 1].std(), 1 / task[scored].std()]
        raw = self.raw(estimates)
        ordinary = np.isin(problem.source[rows], list(ORDINARY))
        middle = [raw[ordinary & (problem.label[rows] == label)].mean() for label in range(3)]
        self.offset = middle[1]
        self.slope = 2 * np.log(4) / (middle[2] - middle[0])  # simple about .2, complex about .8

    def raw(self, estimates):
        parts = np.column_stack([estimates[:, 0], estimates[:, 1], estimates[:, 2:4].mean(1)])
        return ((parts - self.mean) * self.scale) @ list(MIX.values())

    def constants(self):
        pairs = [value for pair in zip(self.mean, self.scale) for value in pair]
        return [SHARPNESS, *pairs, *MIX.values(), self.offset, self.slope]


def apgr(score, small, large):
    """RouteLLM's average performance gap recovered; equal scores share their gain."""
    gain = large - small
    order = np.argsort(-score, kind="stable")
    values, starts = np.unique(-score[order], return_index=True)
    sums = np.add.reduceat(gain[order], starts)
    counts = np.diff(np.append(starts, len(score)))
    recovered = np.concatenate([[0], np.cumsum(np.repeat(sums / counts, counts))]) / gain.sum()
    return ((recovered[1:] + recovered[:-1]) / 2).mean()


def predicted_class(estimates):
    return (estimates[:, 2] > 0).astype(int) + ((estimates[:, 2] > 0) & (estimates[:, 3] > 0))


def report(title, problem, rows, estimates, mix):
    score = mix.raw(estimates)
    scored = problem.scored[rows]
    where = {"all": scored} | {name: scored & (problem.source[rows] == name) for name in ("mmlu", "gsm8k", "llmrouter")}
    figures = {name: apgr(score[m], problem.small[rows][m], problem.large[rows][m]) for name, m in where.items() if m.any()}
    print(title, "APGR", {name: round(float(value), 3) for name, value in figures.items()})
    classes = predicted_class(estimates)
    for name in sorted(ORDINARY):
        m = problem.source[rows] == name
        if m.any():
            print("   class accuracy", name, round(float((classes[m] == problem.label[rows][m]).mean()), 3), "of", int(m.sum()))


def cross_validate(problem, folds, rng_seed=0):
    """Estimates of every row by a model that has not seen it; `folds` of them are computed."""
    fold = np.random.default_rng(rng_seed).integers(0, 5, len(problem.rows))
    rows, estimates = [], []
    for k in range(folds):
        held = np.where(fold == k)[0]
        estimates.append(Model(problem, np.where(fold != k)[0]).estimate(problem, held))
        rows.append(held)
    return np.concatenate(rows), np.concatenate(estimates)


def leave_out(problem, mix):
    """Each source or kind of task judged by a model that has seen nothing like it."""
    groups = {"mmlu": ["mmlu"], "facts": ["trivia_qa", "natural_qa"], "code": ["human_eval", "mbpp"], "science": ["arc_challenge", "openbook_qa"],
              "common sense": ["commonsense_qa"], "sentences": ["commongen"], "competition math": ["math"], "word problems": ["gsm8k", "agentverse-mgsm"]}
    pooled_rows, pooled = [], []
    for name, tasks in groups.items():
        held = problem.source == "mmlu" if name == "mmlu" else np.isin(problem.task, tasks) & np.isin(problem.source, ["llmrouter", "gsm8k"])
        rows = np.where(held)[0]
        estimates = Model(problem, np.where(~held)[0]).estimate(problem, rows)
        report(f"left out: {name} ({len(rows)})", problem, rows, estimates, mix)
        if name != "mmlu":
            pooled_rows.append(rows), pooled.append(estimates)
    report("left out, all but mmlu together", problem, np.concatenate(pooled_rows), np.concatenate(pooled), mix)


def write(path, problem, model, mix):
    floats = [model.scale, model.b, problem.figure_mean, problem.figure_scale, model.f, model.topics, model.topic_bias, model.topic_gain, mix.constants()]
    with open(path, "wb") as file:
        file.write(b"PVROUTE1" + struct.pack("<4I", BUCKETS, FIGURES, COLUMNS, len(model.topic_bias)))
        for array in floats:
            file.write(np.ascontiguousarray(array, "<f4").tobytes())
        file.write(model.q.tobytes())
    print("wrote", path, Path(path).stat().st_size, "bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--out", default=ROOT / "data/routing_weights.bin")
    parser.add_argument("--features", default="./dev exec build/release/tools/routing/routing_features", help="command that computes features")
    parser.add_argument("--cross-validate", action="store_true")
    parser.add_argument("--leave-out", action="store_true")
    options = parser.parse_args()
    own = read_ordinary(Path(__file__).parent / "ordinary_train.txt")
    problem = Problem(read_data(options.data) + own, options.features)
    rows, estimates = cross_validate(problem, 5 if options.cross_validate else 1)
    mix = Mix(problem, rows, estimates)
    report("cross-validated" if options.cross_validate else "one fold of five", problem, rows, estimates, mix)
    write(options.out, problem, Model(problem, np.arange(len(problem.rows))), mix)
    if options.leave_out:
        leave_out(problem, mix)


if __name__ == "__main__":
    main()
