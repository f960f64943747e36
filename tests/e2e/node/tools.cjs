// Tools, structured output and unicode with the official clients for Node, unchanged.
const { test } = require("node:test");
const OpenAI = require("openai");
const Anthropic = require("@anthropic-ai/sdk");
const { Ollama } = require("ollama");
const { assert, url, model } = require("./common.cjs");

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "local", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: "local", maxRetries: 0 });
const ollama = new Ollama({ host: url });

const weather = {
  type: "object", additionalProperties: false, required: ["city", "unit"],
  properties: { city: { type: "string", maxLength: 30 }, unit: { enum: ["celsius", "fahrenheit"] } },
};
const note = { type: "object", additionalProperties: false, required: ["text"], properties: { text: { type: "string", maxLength: 40 } } };
const schemas = { get_weather: weather, take_note: note };
const functions = Object.entries(schemas).map(([name, parameters]) => ({ type: "function", function: { name, description: name, parameters } }));
const tools = Object.entries(schemas).map(([name, input_schema]) => ({ name, description: name, input_schema }));
const ask = [{ role: "user", content: "What is the weather in Köln 🌧? Use a tool." }];

// What the schemas above say.
function check(name, value) {
  assert.deepEqual(Object.keys(value).sort(), [...schemas[name].required].sort());
  for (const text of Object.values(value)) assert.equal(typeof text, "string");
  if (name === "get_weather") assert.ok(weather.properties.unit.enum.includes(value.unit));
}

// A conversation in which the model has called before, so that it likely does again.
const habit = Array.from({ length: 4 }, (_, i) => ["Paris", "Oslo", "Rome", "Bonn"][i]);

test("openai: forced calls make the round trip, streamed and not", async () => {
  for (const tool_choice of ["required", { type: "function", function: { name: "take_note" } }]) {
    const body = { model: "auto", messages: ask, tools: functions, tool_choice, parallel_tool_calls: false, max_tokens: 300, seed: 4 };
    const plain = (await openai.chat.completions.create(body)).choices[0];
    const streamed = (await openai.chat.completions.stream(body).finalChatCompletion()).choices[0];
    for (const choice of [plain, streamed]) {
      assert.equal(choice.finish_reason, "tool_calls");
      const [call] = choice.message.tool_calls;
      if (tool_choice !== "required") assert.equal(call.function.name, "take_note");
      check(call.function.name, JSON.parse(call.function.arguments));
      const turns = [...ask, choice.message, { role: "tool", tool_call_id: call.id, content: "rain 🌧" }];
      const final = await openai.chat.completions.create({ model: "auto", messages: turns, tools: functions, tool_choice: "none", max_tokens: 12 });
      assert.ok(final.choices[0].message.content);
    }
  }
});

test("openai: several calls in one answer are told apart", async () => {
  const chunks = await Array.fromAsync(await openai.chat.completions.create({
    model: "auto", messages: ask, tools: functions, tool_choice: "required", max_tokens: 400, seed: 2, stream: true }));
  const calls = [];
  for (const piece of chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? [])) {
    calls[piece.index] ??= { id: piece.id, name: piece.function.name, arguments: "" };
    calls[piece.index].arguments += piece.function.arguments ?? "";
  }
  assert.ok(calls.length >= 1);
  assert.equal(new Set(calls.map((call) => call.id)).size, calls.length);
  const whole = chunks.at(-1).choices[0].finish_reason === "tool_calls" ? calls : calls.slice(0, -1);
  for (const call of whole) check(call.name, JSON.parse(call.arguments));
});

test("openai: calls of the model's own accord keep to the tool", async () => {
  const messages = [];
  habit.forEach((city, i) => messages.push(
    { role: "user", content: `Weather in ${city}?` },
    { role: "assistant", content: null,
      tool_calls: [{ id: `call_${i}`, type: "function", function: { name: "get_weather", arguments: JSON.stringify({ city, unit: "celsius" }) } }] },
    { role: "tool", tool_call_id: `call_${i}`, content: "sunny" }));
  messages.push({ role: "user", content: "Weather in Kyiv?" });
  let called = 0;
  for (let seed = 0; seed < 6; ++seed) {
    const { choices } = await openai.chat.completions.create({ model: "auto", messages, tools: functions, max_tokens: 200, temperature: 0.7, seed });
    for (const call of choices[0].message.tool_calls ?? []) {
      ++called;
      if (choices[0].finish_reason === "tool_calls") check(call.function.name, JSON.parse(call.function.arguments));
    }
  }
  assert.ok(called > 0, "the model never called of its own accord");
});

test("openai: a schema is kept by chat completions and by responses", async () => {
  const json = await openai.chat.completions.create({ model: "auto", messages: ask, max_tokens: 200,
    response_format: { type: "json_schema", json_schema: { name: "weather", schema: weather, strict: true } } });
  check("get_weather", JSON.parse(json.choices[0].message.content));
  const response = await openai.responses.create({ model: "auto", input: "Weather?", max_output_tokens: 200,
    text: { format: { type: "json_schema", name: "weather", schema: weather, strict: true } } });
  check("get_weather", JSON.parse(response.output_text));
});

test("openai: responses call functions and take their results", async () => {
  const declared = Object.entries(schemas).map(([name, parameters]) => ({ type: "function", name, parameters, strict: true }));
  const first = await openai.responses.create({ model: "auto", input: ask, tools: declared, tool_choice: "required",
    parallel_tool_calls: false, max_output_tokens: 300 });
  const [call] = first.output.filter((item) => item.type === "function_call");
  check(call.name, JSON.parse(call.arguments));
  const second = await openai.responses.create({ model: "auto", previous_response_id: first.id, tools: declared, tool_choice: "none",
    input: [{ type: "function_call_output", call_id: call.call_id, output: "rain" }], max_output_tokens: 12 });
  assert.ok(second.output_text);
});

test("openai: embeddings come as numbers and as the client's own base64", async () => {
  const [plain, packed] = await Promise.all(["float", undefined].map((encoding_format) =>
    openai.embeddings.create({ model: "auto", input: ["one", "zwei 🙂"], encoding_format })));
  assert.deepEqual(plain.data.map((one) => one.index), [0, 1]);
  for (const i of [0, 1]) {
    assert.equal(packed.data[i].embedding.length, plain.data[i].embedding.length);
    assert.ok(Math.abs(packed.data[i].embedding[0] - plain.data[i].embedding[0]) < 1e-4);
  }
});

test("anthropic: forced calls make the round trip, streamed and not", async () => {
  for (const tool_choice of [{ type: "any", disable_parallel_tool_use: true }, { type: "tool", name: "get_weather", disable_parallel_tool_use: true }]) {
    const body = { model: "auto", messages: ask, tools, tool_choice, max_tokens: 300 };
    const seen = [];
    const stream = anthropic.messages.stream(body).on("inputJson", (piece) => seen.push(piece));
    const streamed = await stream.finalMessage();
    assert.ok(seen.length > 0);
    for (const message of [await anthropic.messages.create(body), streamed]) {
      assert.equal(message.stop_reason, "tool_use");
      const [use] = message.content.filter((block) => block.type === "tool_use");
      check(use.name, use.input);
      const result = { type: "tool_result", tool_use_id: use.id, is_error: true, content: [{ type: "text", text: "no such city" }] };
      const turns = [...ask, { role: "assistant", content: message.content }, { role: "user", content: [result] }];
      const final = await anthropic.messages.create({ model: "auto", messages: turns, tools, tool_choice: { type: "none" }, max_tokens: 12 });
      assert.equal(final.content[0].type, "text");
    }
  }
});

test("anthropic: calls of the model's own accord keep to the tool", async () => {
  const messages = [];
  habit.forEach((city, i) => messages.push(
    { role: "user", content: `Weather in ${city}?` },
    { role: "assistant", content: [{ type: "tool_use", id: `toolu_${i}`, name: "get_weather", input: { city, unit: "celsius" } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: `toolu_${i}`, content: "sunny" }, { type: "text", text: "Thanks. And next?" }] },
    { role: "assistant", content: "Ask me." }));
  messages.push({ role: "user", content: "Weather in Kyiv?" });
  for (let i = 0; i < 4; ++i) {
    const answer = await anthropic.messages.create({ model: "auto", messages, tools, max_tokens: 120, temperature: 0.7 });
    if (answer.stop_reason !== "tool_use") continue;
    for (const block of answer.content.filter((one) => one.type === "tool_use")) check(block.name, block.input);
  }
});

test("ollama: a schema is kept, calls come as objects, their results go back", async () => {
  const options = { num_predict: 200 };
  const held = await ollama.chat({ model, messages: ask, format: weather, options });
  check("get_weather", JSON.parse(held.message.content));
  const messages = [];
  for (const city of habit) {
    messages.push({ role: "user", content: `Weather in ${city}?` },
      { role: "assistant", content: "", tool_calls: [{ function: { name: "get_weather", arguments: { city, unit: "celsius" } } }] },
      { role: "tool", tool_name: "get_weather", content: "sunny" });
  }
  messages.push({ role: "user", content: "Weather in Kyiv?" });
  let called = 0;
  for (let seed = 0; seed < 6; ++seed) {
    const calls = [];
    const stream = await ollama.chat({ model, messages, tools: functions, options: { ...options, seed, temperature: 0.7 }, stream: true });
    for await (const part of stream) calls.push(...(part.message.tool_calls ?? []));
    for (const call of calls) check(call.function.name, call.function.arguments);
    called += calls.length;
  }
  assert.ok(called > 0, "the model never called of its own accord");
});

const texts = {
  emoji: "🙂👩‍👩‍👧‍👦🏳️‍🌈", "combining marks": "e\u0301a\u0308\u0323", "right to left": "שלום مرحبا \u202eabc\u202c",
  "a lone surrogate": "a\ud83db", "half a pair at the end": "x\ud800", controls: "\u0000\u0001\u2028",
};
for (const [name, text] of Object.entries(texts)) {
  test(`${name} go in and whole characters come out`, async () => {
    const messages = [{ role: "user", content: `Repeat: ${text}` }];
    const whole = (value) => assert.ok(value.isWellFormed());
    for await (const chunk of await openai.chat.completions.create({ model: "auto", messages, max_tokens: 16, temperature: 1.8, stream: true })) {
      whole(chunk.choices[0].delta.content ?? "");
    }
    const message = await anthropic.messages.stream({ model: "auto", messages, max_tokens: 16, temperature: 1 }).finalMessage();
    for (const block of message.content) whole(block.text);
    for await (const part of await ollama.chat({ model, messages, options: { num_predict: 16, temperature: 1.8 }, stream: true })) whole(part.message.content);
    const held = await openai.chat.completions.create({ model: "auto", messages, max_tokens: 120, temperature: 1.5,
      response_format: { type: "json_schema", json_schema: { name: "note", schema: note, strict: true } } });
    whole(JSON.parse(held.choices[0].message.content).text);
  });
}

test("characters that are several tokens come whole", async () => {
  const text = "🦣𝔘👩\u200d🚀 שָׁ";
  const schema = { type: "object", additionalProperties: false, required: ["said"], properties: { said: { const: text } } };
  let json = "";
  const stream = await openai.chat.completions.create({ model: "auto", messages: ask, max_tokens: 120, stream: true,
    response_format: { type: "json_schema", json_schema: { name: "said", schema, strict: true } } });
  for await (const chunk of stream) {
    const piece = chunk.choices[0].delta.content ?? "";
    assert.ok(piece.isWellFormed() && !piece.includes("\ufffd"), piece);
    json += piece;
  }
  assert.equal(JSON.parse(json).said, text);
});
