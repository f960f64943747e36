// The official OpenAI client for Node, unchanged.
const { test } = require("node:test");
const OpenAI = require("openai");
const { assert, url, keyedUrl, model, question, oversized, longerThanTheContext, untilBusy, untilIdle } = require("./common.cjs");

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "local", maxRetries: 0 });
const ask = (more) => client.chat.completions.create({ model: "auto", messages: question, max_tokens: 12, temperature: 0, ...more });

test("a stream tells what the plain answer tells", async () => {
  const plain = await ask({});
  assert.match(plain.id, /^chatcmpl-/);
  assert.equal(plain.model, model);
  assert.ok(plain._request_id.startsWith("req_"));
  const chunks = await Array.fromAsync(await ask({ stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created}`)).size, 1);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, plain.choices[0].message.content);
  assert.equal(chunks.at(-2).choices[0].finish_reason, plain.choices[0].finish_reason);
  assert.equal(chunks.at(-1).usage.completion_tokens, plain.usage.completion_tokens);
});

test("the client's own accumulator reads the stream", async () => {
  const stream = client.chat.completions.stream({ model: "auto", messages: question, max_tokens: 12, temperature: 0 });
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].message.content, (await ask({})).choices[0].message.content);
});

test("a conversation of several turns with a system prompt goes on from what was read", async () => {
  const messages = [{ role: "developer", content: "You are a patient teacher who answers in one sentence." }, ...question];
  const first = await ask({ messages });
  messages.push(first.choices[0].message, { role: "user", content: "And again, please." });
  const second = await ask({ messages });
  assert.ok(second.usage.prompt_tokens > first.usage.prompt_tokens);
  assert.ok(second.usage.prompt_tokens_details.cached_tokens > 0);
});

test("stop sequences end the answer before them", async () => {
  const messages = [{ role: "user", content: "Count: 1, 2, 3, 4, 5, 6, 7, 8, 9" }];
  const whole = (await ask({ messages, max_tokens: 40 })).choices[0].message.content;
  const stop = whole.slice(whole.length >> 1).slice(0, 3);
  const cut = await ask({ messages, max_tokens: 40, stop: [stop] });
  assert.equal(cut.choices[0].message.content, whole.slice(0, whole.indexOf(stop)));
  assert.equal(cut.choices[0].finish_reason, "stop");
});

test("eight requests at once are answered, half of them streamed", async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      if (i % 2 === 0) return (await ask({})).choices[0].message.content;
      const stream = await ask({ stream: true });
      return (await Array.fromAsync(stream)).map((chunk) => chunk.choices[0].delta.content ?? "").join("");
    }),
  );
  assert.ok(answers.every((text) => text.length > 0));
});

test("a client that leaves in mid-stream frees its place at once", async () => {
  const stream = await ask({ max_tokens: 4000, stream: true });
  for await (const _ of stream) break;
  await untilIdle();
  assert.ok((await ask({ max_tokens: 2 })).choices[0].message.content);
});

test("an aborted request that is not streamed is given up too", async () => {
  const leave = new AbortController();
  const request = client.chat.completions.create({ model: "auto", messages: question, max_tokens: 4000 }, { signal: leave.signal });
  const refused = assert.rejects(request, OpenAI.APIUserAbortError);
  await untilBusy();
  leave.abort();
  await refused;
  await untilIdle();
});

test("errors are the client's own classes", async () => {
  await assert.rejects(ask({ model: "none" }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  const keyed = new OpenAI({ baseURL: `${keyedUrl}/v1`, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(keyed.models.list(), (error) => error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key");
  await assert.rejects(ask({ messages: oversized }), (error) => error.status === 413 && error.code === "request_too_large");
  for (const stream of [false, true]) {
    await assert.rejects(ask({ messages: longerThanTheContext, stream }),
      (error) => error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded");
  }
  await assert.rejects(ask({ messages: [{ role: "nobody", content: "x" }] }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === "messages[0].role");
});
