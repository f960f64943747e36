"""The figures of a comparison as JSON and as a Markdown table."""
import dataclasses
import statistics
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- table of ./dev bench: begin -->", "<!-- table of ./dev bench: end -->"


@dataclass
class Report:
    machine: str
    model: str
    threads: int
    context: int
    tokens: int
    stream_tokens: int
    streams: list[int]
    rounds: list[dict]
    supervisor_idle_bytes: int
    supervisor_after_bytes: int

    @property
    def counted(self) -> list[dict]:
        return [one["figures"] for one in self.rounds if one["counts"]]

    def as_json(self) -> dict:
        return dataclasses.asdict(self)

    def values(self, contender: str, figure: str) -> list[float]:
        return [one[contender][figure] for one in self.counted if figure in one[contender]]

    def ratios(self, figure: str, other: str, other_figure: str = "") -> list[float]:
        """Pensieve's figure divided by the other's, round by round."""
        return [one["Pensieve"][figure] / one[other][other_figure or figure] for one in self.counted]


def spread(values: list[float], digits: int = 1) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def markdown(report: Report) -> str:
    def row(title: str, figure: str, against: str, ratio: list[float]) -> str:
        cells = [title, *(spread(report.values(name, figure)) for name in ("Pensieve", "llama-server", "llama-bench"))]
        cells.append(f"{spread(ratio, 2)} of {against}" if against else "")
        return "| " + " | ".join(cells) + " |"

    decode = f"one answer of {report.tokens} tokens, tok/s"
    lines = [
        f"{report.machine}. Model {report.model}, {report.threads} threads, {report.context} tokens of context, greedy; "
        f"median (least to most) of {len(report.counted)} rounds.",
        "",
        "| | Pensieve | llama-server | llama-bench | Pensieve's share, by round |",
        "|-|-|-|-|-|",
        row(f"{decode}, as the client sees it", "decode_tps", "llama-bench", report.ratios("decode_tps", "llama-bench")),
        row(f"{decode}, by the engine's clock", "engine_decode_tps", "llama-bench", report.ratios("engine_decode_tps", "llama-bench", "decode_tps")),
        row("short prompt, ms to the first token", "first_token_ms", "llama-server", report.ratios("first_token_ms", "llama-server")),
        row("of that, ms beyond the engine's prefill", "beyond_prefill_ms", "", []),
    ]
    for count in report.streams:
        figure = f"streams_{count}_tps"
        answers = "1 answer" if count == 1 else f"{count} answers at once"
        lines.append(row(f"{answers} of {report.stream_tokens} tokens, tok/s in all", figure, "llama-server", report.ratios(figure, "llama-server")))
    lines += [
        "",
        f"Resident memory of the supervisor: {report.supervisor_idle_bytes / 1e6:.1f} MB idle after the start, "
        f"{report.supervisor_after_bytes / 1e6:.1f} MB after all rounds.",
    ]
    left_out = len(report.rounds) - len(report.counted)
    if left_out:
        lines.append(f"{left_out} rounds left out, in which other processes used the processor.")
    return "\n".join(lines)


def update_page(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    old = page.read_text()
    before, rest = old.split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
