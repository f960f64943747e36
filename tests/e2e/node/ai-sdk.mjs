// Vercel's AI SDK with its OpenAI, OpenAI-compatible and Anthropic providers, unchanged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, streamText } from "ai";

const { URL: url } = process.env;
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "local" });
const compatible = createOpenAICompatible({ name: "pensieve", baseURL: `${url}/v1`, apiKey: "local", includeUsage: true });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "local" });
const models = { responses: openai("auto"), chat: openai.chat("auto"), compatible: compatible("auto"), anthropic: anthropic("auto") };
const settings = { prompt: "Say hello.", maxOutputTokens: 12, temperature: 0, maxRetries: 0 };

for (const [name, model] of Object.entries(models)) {
  test(`${name}: a stream tells what the plain answer tells`, async () => {
    const plain = await generateText({ model, ...settings });
    assert.ok(plain.text && plain.usage.outputTokens > 0);
    const stream = streamText({ model, ...settings });
    let text = "";
    for await (const part of stream.textStream) text += part;
    assert.equal(text, plain.text);
    assert.equal((await stream.usage).outputTokens, plain.usage.outputTokens);
    assert.equal(await stream.finishReason, plain.finishReason);
  });

  test(`${name}: an unknown model is an error`, async () => {
    const provider = { responses: openai, chat: openai.chat, compatible, anthropic }[name];
    await assert.rejects(generateText({ model: provider("no-such-model"), ...settings }), /no-such-model/);
  });
}

test("embeddings come in order", async () => {
  const { embeddings } = await embedMany({ model: openai.embedding("auto"), values: ["one", "two"] });
  assert.equal(embeddings.length, 2);
  assert.equal(embeddings[0].length, 576);
});
