"""Requests in the shape of a coding agent's traffic to /v1/messages, the same for every seed.

A session has 5,000 tokens of system prompt and tools, whose first line is another one in each request and says nothing to the
model; turns that each bring a tool's result; a small side call between turns; and one sub-agent with a conversation of its own.
"""
import random
import string
from dataclasses import dataclass

VERBS = "read check change move split test name format build parse load store close open compare".split()
NOUNS = "file function module test error buffer thread server request header index cache lock path value".split()
RULES = 390  # sentences of the system prompt
TOOLS = ["Bash", "Read", "Edit", "Write", "Grep", "Glob", "Task", "TodoWrite", "WebFetch", "NotebookEdit"]
MAIN, SUB_AGENT, SIDE = "main conversation", "sub-agent", "side calls"


@dataclass(frozen=True)
class Request:
    kind: str  # MAIN, SUB_AGENT or SIDE
    body: dict
    # Continues the conversation of the request before it of its kind: all of that one's prompt could be reused.
    continues: bool


class AgentSession:
    def __init__(self, seed: int, turns: int = 12):
        # What belongs to the project is the same in every session.
        project = random.Random(1)
        self._rules = " ".join(self._sentence(project) for _ in range(RULES))
        self._tools = [self._tool(project, name) for name in TOOLS]
        self._random = random.Random(seed)
        self._status = f"Current branch: main. Status: M {self._word()}.cc, M {self._word()}.h, ?? {self._word()}.txt"
        self._turns = turns

    def requests(self) -> list[Request]:
        """In the order in which an agent sends them: side calls between turns, the sub-agent after a third of them."""
        made = []
        messages = [self._user(f"Please {self._sentence(self._random)} Then {self._sentence(self._random)}")]
        for turn in range(self._turns):
            made.append(Request(MAIN, self._body(self._system(), messages, self._tools), turn > 0))
            messages = messages + self._tool_turn(turn)
            made.append(Request(SIDE, self._side_call(), False))
            if turn == self._turns // 3:
                made += self._sub_agent()
        return made

    def _sub_agent(self) -> list[Request]:
        system = [self._billing_line(), {"type": "text", "text": "You search the code and report. " + self._rules[:2000]}]
        messages = [self._user(f"Find out where we {self._sentence(self._random)}")]
        made = []
        for turn in range(3):
            made.append(Request(SUB_AGENT, self._body([self._billing_line(), *system[1:]], messages, self._tools[:2]), turn > 0))
            messages = messages + self._tool_turn(100 + turn)
        return made

    def _side_call(self) -> dict:
        system = [self._billing_line(), {"type": "text", "text": "Write a title of at most five words for the conversation. Answer with the title only."}]
        return self._body(system, [self._user(self._sentence(self._random))], [])

    def _body(self, system: list[dict], messages: list[dict], tools: list[dict]) -> dict:
        body = {"model": "auto", "max_tokens": 16, "temperature": 0, "stream": True, "system": system, "messages": messages}
        return {**body, "tools": tools, "tool_choice": {"type": "none"}} if tools else body

    def _system(self) -> list[dict]:
        text = f"You are a coding agent in a terminal. {self._rules}"
        return [self._billing_line(), {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": f"<env>{self._status}</env>"}]

    def _billing_line(self) -> dict:
        mark = "".join(self._random.choices(string.hexdigits.lower()[:16], k=5))
        return {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli; cch={mark};"}

    def _tool_turn(self, turn: int) -> list[dict]:
        call = {"type": "tool_use", "id": f"toolu_{turn:024d}", "name": "Read", "input": {"path": f"src/{self._word()}/{self._word()}.cc"}}
        result = "\n".join(f"{line}: {self._sentence(self._random)}" for line in range(4))
        return [{"role": "assistant", "content": [{"type": "text", "text": self._sentence(self._random)}, call]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": result}]}]

    def _user(self, text: str) -> dict:
        return {"role": "user", "content": text}

    def _word(self) -> str:
        return f"{self._random.choice(NOUNS)}_{self._random.randrange(100)}"

    def _sentence(self, source: random.Random) -> str:
        noun, other = source.sample(NOUNS, 2)
        return f"{source.choice(VERBS)} the {noun} before you {source.choice(VERBS)} the {other} of {source.choice(NOUNS)} {source.randrange(50)}."

    def _tool(self, source: random.Random, name: str) -> dict:
        properties = {f"{noun}": {"type": "string", "description": self._sentence(source)} for noun in source.sample(NOUNS, 4)}
        return {"name": name, "description": " ".join(self._sentence(source) for _ in range(4)),
                "input_schema": {"type": "object", "properties": properties, "required": sorted(properties)[:2]}}
