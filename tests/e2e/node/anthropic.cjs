// The official Anthropic client for Node, unchanged.
const { test } = require("node:test");
const Anthropic = require("@anthropic-ai/sdk");
const { assert, url, keyedUrl, model, question, oversized, longerThanTheContext, untilBusy, untilIdle } = require("./common.cjs");

const client = new Anthropic({ baseURL: url, apiKey: "local", maxRetries: 0 });
const asked = (more) => ({ model: "claude-sonnet-4", messages: question, max_tokens: 12, temperature: 0, ...more });
const ask = (more) => client.messages.create(asked(more));

test("a stream has the official events and tells what the plain answer tells", async () => {
  const plain = await ask({});
  assert.match(plain.id, /^msg_/);
  assert.equal(plain.model, model);
  assert.ok(plain._request_id.startsWith("req_"));
  const kinds = (await Array.fromAsync(await ask({ stream: true }))).map((event) => event.type).filter((kind) => kind !== "ping");
  assert.deepEqual(kinds.slice(0, 3), ["message_start", "content_block_start", "content_block_delta"]);
  assert.deepEqual(kinds.slice(-3), ["content_block_stop", "message_delta", "message_stop"]);
  const final = await client.messages.stream(asked({})).finalMessage();
  assert.deepEqual(final.content, plain.content);
  assert.equal(final.stop_reason, plain.stop_reason);
  assert.equal(final.usage.output_tokens, plain.usage.output_tokens);
});

test("a conversation of several turns with a system prompt goes on from what was read", async () => {
  const system = [{ type: "text", text: "You are a patient teacher who answers in one sentence.", cache_control: { type: "ephemeral" } }];
  const first = await ask({ system });
  const messages = [...question, { role: "assistant", content: first.content }, { role: "user", content: "And again, please." }];
  const second = await ask({ system, messages });
  assert.ok(second.usage.cache_read_input_tokens > 0);
  const counted = await client.messages.countTokens({ model: "auto", system, messages });
  assert.equal(second.usage.input_tokens + second.usage.cache_read_input_tokens, counted.input_tokens);
});

test("stop sequences end the answer and are named", async () => {
  const messages = [{ role: "user", content: "Count: 1, 2, 3, 4, 5, 6, 7, 8, 9" }];
  const whole = (await ask({ messages, max_tokens: 40 })).content[0].text;
  const stop = whole.slice(whole.length >> 1).slice(0, 3);
  const cut = await ask({ messages, max_tokens: 40, stop_sequences: [stop] });
  assert.equal(cut.content[0].text, whole.slice(0, whole.indexOf(stop)));
  assert.deepEqual([cut.stop_reason, cut.stop_sequence], ["stop_sequence", stop]);
});

test("eight requests at once are answered, half of them streamed", async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => (i % 2 === 0 ? ask({}) : client.messages.stream(asked({})).finalMessage())),
  );
  assert.ok(answers.every((answer) => answer.content[0].text.length > 0));
});

test("a client that leaves in mid-stream frees its place at once", async () => {
  const stream = await ask({ max_tokens: 4000, stream: true });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  await untilIdle();
  assert.ok((await ask({ max_tokens: 2 })).content[0].text);
});

test("an aborted request that is not streamed is given up too", async () => {
  const leave = new AbortController();
  const request = client.messages.create(asked({ max_tokens: 4000 }), { signal: leave.signal });
  const refused = assert.rejects(request, Anthropic.APIUserAbortError);
  await untilBusy();
  leave.abort();
  await refused;
  await untilIdle();
});

test("errors are the client's own classes", async () => {
  const is = (type, kind) => (error) => error instanceof type && error.error.type === "error" && error.error.error.type === kind;
  await assert.rejects(ask({ model: "none" }), is(Anthropic.NotFoundError, "not_found_error"));
  const keyed = new Anthropic({ baseURL: keyedUrl, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(keyed.messages.create(asked({})), is(Anthropic.AuthenticationError, "authentication_error"));
  await assert.rejects(ask({ messages: oversized }), (error) => error.status === 413 && error.error.error.type === "request_too_large");
  for (const stream of [false, true]) {
    await assert.rejects(ask({ messages: longerThanTheContext, stream }), (error) =>
      is(Anthropic.BadRequestError, "invalid_request_error")(error) && /prompt is too long: \d+ tokens > \d+ maximum/.test(error.message));
  }
  await assert.rejects(ask({ messages: [] }), is(Anthropic.BadRequestError, "invalid_request_error"));
});
