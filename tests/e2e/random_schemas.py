"""Random JSON Schemas of the kind that clients send for structured output."""
import random
import string

FORMATS = ["date", "time", "date-time", "uuid", "email", "ipv4", "hostname", "duration", "uri", "ipv6"]
PATTERNS = [r"^[A-Z]{2}-\d{3}$", r"^(red|green|blue)$", r"^\+?[0-9]{3,9}$", r"^[a-z]+(-[a-z]+)?$", r"[aeiou]", r"^#[0-9a-f]{6}$"]


class Schemas:
    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def name(self) -> str:
        word = "".join(self.random.choices(string.ascii_lowercase, k=self.random.randint(1, 8)))
        return self.random.choice([word, word, word, f"{word}_{word}", f"größe {word}", f'"{word}"'])

    def string(self) -> dict:
        kind = self.random.randrange(5)
        if kind == 0:
            return {"type": "string", "format": self.random.choice(FORMATS)}
        if kind == 1:
            return {"type": "string", "pattern": self.random.choice(PATTERNS)}
        if kind == 2:
            low = self.random.randint(0, 5)
            return {"type": "string", "minLength": low, "maxLength": low + self.random.randint(0, 20)}
        return {"type": "string", "maxLength": 24} if kind == 3 else {"type": "string"}

    def number(self) -> dict:
        schema = {"type": self.random.choice(["integer", "number"])}
        low = round(self.random.uniform(-500, 500), self.random.randint(0, 2))
        if self.random.random() < 0.6:
            schema[self.random.choice(["minimum", "exclusiveMinimum"])] = low
        if self.random.random() < 0.6:
            schema[self.random.choice(["maximum", "exclusiveMaximum"])] = low + self.random.randint(2, 300)
        return schema

    def enum(self) -> dict:
        values = ["low", "ünï", 1, -2.5, None, True, "a\"b\\c", {"k": [1]}, "日本"]
        if self.random.random() < 0.3:
            return {"const": self.random.choice(values)}
        return {"enum": self.random.sample(values, self.random.randint(1, 5))}

    def array(self, depth: int) -> dict:
        if self.random.random() < 0.2:
            return {"type": "array", "prefixItems": [self.schema(depth - 1), self.schema(depth - 1)], "items": False}
        low = self.random.randint(0, 2)
        return {"type": "array", "items": self.schema(depth - 1), "minItems": low, "maxItems": low + self.random.randint(0, 2)}

    def object(self, depth: int) -> dict:
        properties = {self.name(): self.schema(depth - 1) for _ in range(self.random.randint(1, 4))}
        required = [name for name in properties if self.random.random() < 0.7]
        schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        if self.random.random() < 0.2:
            schema["additionalProperties"] = {"type": "integer"}
        return schema

    def schema(self, depth: int) -> dict:
        kind = self.random.randrange(8 if depth > 0 else 4)
        if kind in (0, 1):
            return self.string() if kind == 0 else self.number()
        if kind == 2:
            return self.enum()
        if kind == 3:
            return {"type": self.random.choice(["boolean", "null", ["integer", "null"], ["boolean", "string"]])}
        if kind == 4:
            return self.array(depth)
        if kind == 5:
            return {"anyOf": [self.schema(depth - 1), self.schema(depth - 1)]}
        return self.object(depth)

    def document(self) -> dict:
        schema = self.object(self.random.choice([1, 1, 2]))
        if self.random.random() < 0.2:
            schema["$defs"] = {"node": {"type": "object", "required": ["v"], "additionalProperties": False,
                                        "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}}
            schema["properties"]["tree"] = {"$ref": "#/$defs/node"}
            schema["required"].append("tree")
        return schema
