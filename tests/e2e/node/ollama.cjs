// The official Ollama client for Node, unchanged.
const { test } = require("node:test");
const { Ollama } = require("ollama");
const { assert, url, model, question } = require("./common.cjs");

const client = new Ollama({ host: url });
const options = { num_predict: 12, temperature: 0 };

test("a stream tells what the plain answer tells", async () => {
  const plain = await client.chat({ model, messages: question, options });
  assert.equal(plain.model, model);
  assert.ok(plain.done && plain.eval_count > 0);
  let text = "";
  for await (const part of await client.chat({ model, messages: question, options, stream: true })) text += part.message.content;
  assert.equal(text, plain.message.content);
});

test("generate, embed, list, show and ps answer", async () => {
  assert.ok((await client.generate({ model, prompt: "Say hello.", options })).response);
  assert.equal((await client.embed({ model, input: ["a", "b"] })).embeddings.length, 2);
  assert.ok((await client.list()).models.some((one) => one.name === `${model}:latest`));
  assert.equal((await client.show({ model })).details.format, "gguf");
  assert.ok((await client.ps()).models[0].size > 0);
});

test("an unknown model is an error with its words", async () => {
  await assert.rejects(client.chat({ model: "no-such-model", messages: question }), /not found/);
});

test("an aborted stream ends", async () => {
  const stream = await client.chat({ model, messages: question, options: { num_predict: 400 }, stream: true });
  await assert.rejects(async () => {
    for await (const part of stream) if (part.message.content) stream.abort();
  }, { name: "AbortError" });
});
