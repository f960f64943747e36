// What the scripts of both clients share. URL: a server without keys; KEYED_URL: one with the key
// "secret"; MODEL: the id of the model that both serve.
const assert = require("node:assert/strict");

const { URL: url, KEYED_URL: keyedUrl, MODEL: model } = process.env;
const question = [{ role: "user", content: "Say hello." }];
const oversized = [{ role: "user", content: "x".repeat(40_000_000) }];
const longerThanTheContext = [{ role: "user", content: "word ".repeat(20_000) }];

async function activeRequests() {
  const status = await (await fetch(`${url}/pensieve/v1/status`)).json();
  return status.models.reduce((sum, one) => sum + one.active_requests, 0);
}

async function until(count, meaning) {
  const deadline = Date.now() + 5000;
  while (!count(await activeRequests())) {
    assert.ok(Date.now() < deadline, meaning);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Polls; each fails after five seconds.
const untilBusy = () => until((active) => active > 0, "the request did not begin");
const untilIdle = () => until((active) => active === 0, "a request that its client left still runs");

module.exports = { assert, url, keyedUrl, model, question, oversized, longerThanTheContext, untilBusy, untilIdle };
