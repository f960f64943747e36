// Vercel's AI SDK with its OpenAI, OpenAI-compatible and Anthropic providers, unchanged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const { URL: url } = process.env;
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "local" });
const compatible = createOpenAICompatible({ name: "pensieve", baseURL: `${url}/v1`, apiKey: "local", includeUsage: true, supportsStructuredOutputs: true });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "local" });
const models = { responses: openai("auto"), chat: openai.chat("auto"), compatible: compatible("auto"), anthropic: anthropic("auto") };
const settings = { prompt: "Say hello.", maxOutputTokens: 12, temperature: 0, maxRetries: 0 };

for (const [name, model] of Object.entries(models)) {
  test(`${name}: a stream tells what the plain answer tells`, async () => {
    await generateText({ model, ...settings });  // a prompt that is read anew may be computed in another way
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

// Calls once, and answers when it has the result.
const withTools = (model, called) => ({
  model, prompt: "What is the weather in Köln 🌧? Use the tool.", maxOutputTokens: 200, maxRetries: 0, stopWhen: stepCountIs(2), toolChoice: { type: "tool", toolName: "weather" },
  prepareStep: ({ stepNumber }) => (stepNumber > 0 ? { toolChoice: "none" } : {}),
  tools: { weather: tool({ description: "Weather of a city", inputSchema: jsonSchema(weather),
    execute: async (input) => (called.push(input), { sky: "rain 🌧" }) }) },
});
const weather = { type: "object", additionalProperties: false, required: ["city", "days"],
  properties: { city: { type: "string", maxLength: 30 }, days: { type: "integer", minimum: 1, maximum: 7 } } };

function check(input) {
  assert.deepEqual(Object.keys(input).sort(), ["city", "days"]);
  assert.ok(Number.isInteger(input.days) && input.days >= 1 && input.days <= 7);
}

for (const [name, model] of Object.entries(models)) {
  test(`${name}: tools make the round trip, streamed and not`, async () => {
    for (const generate of [generateText, streamText]) {
      const called = [];
      const result = generate(withTools(model, called));
      const steps = await (generate === streamText ? (await result.consumeStream(), result.steps) : result.then((whole) => whole.steps));
      assert.ok(called.length > 0);
      called.forEach(check);
      assert.equal(steps.length, 2);
      assert.equal(steps[0].finishReason, "tool-calls");
      assert.ok(steps[1].text);
    }
  });

  test(`${name}: an object keeps to its schema`, async () => {
    const { output } = await generateText({ model, prompt: "Weather in Rome?", maxOutputTokens: 200, maxRetries: 0,
      output: Output.object({ schema: jsonSchema(weather) }) });
    check(output);
  });
}

test("embeddings come in order", async () => {
  const { embeddings } = await embedMany({ model: openai.embedding("auto"), values: ["one", "two"] });
  assert.equal(embeddings.length, 2);
  assert.equal(embeddings[0].length, 576);
});
