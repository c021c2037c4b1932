// The official OpenAI client against `farebox mock`: what a user's program would do, and what it
// must see.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { clientOf, startMock } from "./support.mjs";

const messages = [{ role: "user", content: "What is the fare?" }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
      required: ["city", "days"],
    },
  },
};
const clock = { type: "function", function: { name: "get_time", parameters: { type: "object", properties: {} } } };

describe("chat completions", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "2", "--itl-ms", "1", "--template-tokens", "10");
    client = clientOf(mock);
  });
  after(() => mock.stop());

  test("several choices with logprobs, whole and streamed", async () => {
    const ask = { model: "m", messages, max_tokens: 4, n: 3, logprobs: true, top_logprobs: 2 };
    const answer = await client.chat.completions.create(ask);
    assert.equal(answer.choices.length, 3);
    for (const choice of answer.choices) {
      assert.equal(choice.logprobs.content.map((t) => t.token).join(""), choice.message.content);
      assert.ok(choice.logprobs.content.every((t) => t.top_logprobs.length === 2));
    }
    assert.equal(answer.usage.completion_tokens, 12);
    const stream = client.chat.completions.stream(ask);
    const final = await stream.finalChatCompletion();
    assert.deepEqual(
      final.choices.map((c) => c.message.content),
      answer.choices.map((c) => c.message.content),
    );
    assert.ok(final.choices.every((c) => c.logprobs.content.length === 4));
  });

  test("an echoed completion with choices", async () => {
    const answer = await client.completions.create({ model: "m", prompt: "a b", max_tokens: 2, n: 2, echo: true });
    assert.deepEqual(answer.choices.map((c) => c.index), [0, 1]);
    assert.ok(answer.choices.every((c) => c.text.startsWith("a b ")));
    const told = await client.completions.create({ model: "m", prompt: "a b", max_tokens: 2, logprobs: 1 });
    assert.equal(told.choices[0].logprobs.tokens.join(""), told.choices[0].text);
  });

  test("a whole answer", async () => {
    const answer = await client.chat.completions.create({ model: "m", messages, max_tokens: 12 });
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.choices[0].message.role, "assistant");
    assert.equal(answer.choices[0].message.content.split(" ").length, 12);
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.prompt_tokens, 14);
    assert.equal(answer.usage.completion_tokens, 12);
    assert.ok(answer._request_id);
  });

  test("a stream with usage", async () => {
    const stream = await client.chat.completions.create({
      model: "m", messages, max_completion_tokens: 9, stream: true,
      stream_options: { include_usage: true },
    });
    let tokens = 0, finish, usage;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) tokens++;
      finish ??= chunk.choices[0]?.finish_reason;
      usage = chunk.usage ?? usage;
    }
    assert.equal(tokens, 9);
    assert.equal(finish, "length");
    assert.equal(usage.completion_tokens, 9);
    assert.equal(usage.total_tokens, 23);
  });

  test("the streaming helper sees the same text as a whole answer", async () => {
    const whole = await client.chat.completions.create({ model: "m", messages, max_tokens: 20 });
    const stream = client.chat.completions.stream({ model: "m", messages, max_tokens: 20 });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
  });

  test("stop sequences", async () => {
    const whole = await client.chat.completions.create({ model: "m", messages, max_tokens: 20 });
    const word = whole.choices[0].message.content.split(" ")[4];
    const cut = await client.chat.completions.create({ model: "m", messages, max_tokens: 20, stop: [word] });
    assert.equal(cut.choices[0].finish_reason, "stop");
    assert.ok(whole.choices[0].message.content.startsWith(cut.choices[0].message.content));
    assert.ok(!cut.choices[0].message.content.includes(word));
  });

  test("tools, parallel and one at a time", async () => {
    const answer = await client.chat.completions.create({ model: "m", messages, tools: [weather, clock] });
    const calls = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.deepEqual(calls.map((c) => c.function.name), ["get_weather", "get_time"]);
    const given = JSON.parse(calls[0].function.arguments);
    assert.equal(typeof given.city, "string");
    assert.ok(Number.isInteger(given.days) && given.days >= 1 && given.days <= 7);
    assert.deepEqual(JSON.parse(calls[1].function.arguments), {});
    const single = await client.chat.completions.create({
      model: "m", messages, tools: [weather, clock], parallel_tool_calls: false,
    });
    assert.equal(single.choices[0].message.tool_calls.length, 1);
  });

  test("tools in a stream, put together by the client", async () => {
    const stream = client.chat.completions.stream({ model: "m", messages, tools: [weather, clock] });
    const final = await stream.finalChatCompletion();
    const calls = final.choices[0].message.tool_calls;
    assert.equal(calls.length, 2);
    assert.equal(typeof JSON.parse(calls[0].function.arguments).city, "string");
  });

  test("a stream's events tell deltas, arguments and the usage", async () => {
    const said = client.chat.completions.stream({
      model: "m", messages, max_tokens: 7, stream_options: { include_usage: true },
    });
    let text = "", done;
    said.on("content.delta", ({ delta }) => { text += delta; }).on("content.done", ({ content }) => { done = content; });
    assert.equal(await said.finalContent(), text);
    assert.equal(done, text);
    assert.equal((await said.totalUsage()).completion_tokens, 7);
    const called = client.chat.completions.stream({
      model: "m", messages, tools: [{ ...weather, function: { ...weather.function, strict: true } }],
    });
    const given = [];
    called.on("tool_calls.function.arguments.done", (event) => given.push(event));
    await called.done();
    assert.equal(given[0].name, "get_weather");
    assert.equal(typeof given[0].parsed_arguments.city, "string");
  });

  test("JSON schemas in a stream", async () => {
    const stream = client.chat.completions.stream({
      model: "m", messages,
      response_format: { type: "json_schema", json_schema: { name: "fare", strict: true, schema: {
        type: "object", required: ["fare"], properties: { fare: { type: "integer" } } } } },
    });
    assert.ok(Number.isInteger(JSON.parse(await stream.finalContent()).fare));
  });

  test("a tool loop ends", async () => {
    let rounds = 0;
    const runner = client.chat.completions.runTools({
      model: "m", messages,
      tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse,
        function: () => { rounds++; return "rain"; } } }],
    });
    assert.equal(typeof (await runner.finalContent()), "string");
    assert.equal(rounds, 1);
  });

  test("JSON mode and JSON schemas", async () => {
    const plain = await client.chat.completions.create({
      model: "m", messages, response_format: { type: "json_object" },
    });
    assert.equal(typeof JSON.parse(plain.choices[0].message.content), "object");
    const parsed = await client.chat.completions.parse({
      model: "m", messages,
      response_format: { type: "json_schema", json_schema: { name: "fare", strict: true, schema: {
        type: "object", required: ["amount", "lines"], additionalProperties: false,
        properties: { amount: { type: "number", minimum: 0 },
                      lines: { type: "array", items: { type: "string", enum: ["red", "blue"] } } } } } },
    });
    const value = JSON.parse(parsed.choices[0].message.content);
    assert.ok(value.amount >= 0);
    assert.ok(value.lines.every((l) => ["red", "blue"].includes(l)));
  });

  test("an aborted stream", async () => {
    const stream = await client.chat.completions.create({ model: "m", messages, max_tokens: 100000, stream: true });
    let seen = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content && ++seen === 5) stream.controller.abort();
    }
    assert.ok(seen >= 5 && seen < 1000);
  });

  test("completions", async () => {
    const answer = await client.completions.create({ model: "m", prompt: "once upon a time", max_tokens: 6 });
    assert.equal(answer.object, "text_completion");
    assert.equal(answer.choices[0].text.split(" ").length, 6);
  });

  test("embeddings, decoded by the client", async () => {
    const answer = await client.embeddings.create({ model: "m", input: ["one", "two"], dimensions: 64 });
    assert.equal(answer.data.length, 2);
    assert.equal(answer.data[1].embedding.length, 64);
    assert.ok(answer.data[0].embedding.every((x) => Math.abs(x) <= 1));
    const floats = await client.embeddings.create({
      model: "m", input: ["one", "two"], dimensions: 64, encoding_format: "float",
    });
    for (let i = 0; i < 64; i++)
      assert.ok(Math.abs(floats.data[0].embedding[i] - answer.data[0].embedding[i]) < 1e-6);
  });

  test("models", async () => {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.deepEqual(names, ["farebox-mock"]);
    assert.equal((await client.models.retrieve("farebox-mock")).object, "model");
  });
});

describe("errors", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--model", "fare-1");
    client = clientOf(mock);
  });
  after(() => mock.stop());
  const ask = (more, options) =>
    client.chat.completions.create({ model: "fare-1", messages, max_tokens: 5, ...more }, options);

  test("bad requests name the parameter", async () => {
    await assert.rejects(ask({ temperature: 9 }), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError);
      assert.equal(e.param, "temperature");
      assert.equal(e.code, "decimal_above_max_value");
      assert.equal(e.type, "invalid_request_error");
      return true;
    });
    await assert.rejects(ask({ tempature: 1 }), { code: "unknown_parameter", param: "tempature" });
    await assert.rejects(ask({ model: "fare-2" }), OpenAI.NotFoundError);
  });

  for (const [status, kind] of [[401, OpenAI.AuthenticationError], [429, OpenAI.RateLimitError],
                                [500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError]])
    test(`status ${status}`, () =>
      assert.rejects(ask({}, { headers: { "x-farebox-fault": `status=${status}` } }), kind));

  test("a reset before the headers", () =>
    assert.rejects(ask({}, { headers: { "x-farebox-fault": "reset" } }), OpenAI.APIConnectionError));

  test("a stall beyond the client's timeout", () =>
    assert.rejects(ask({}, { timeout: 100, headers: { "x-farebox-fault": "stall=2000" } }),
                   OpenAI.APIConnectionTimeoutError));

  const drain = async (fault) => {
    let text = "";
    for await (const chunk of await ask({ stream: true }, { headers: { "x-farebox-fault": fault } }))
      text += chunk.choices[0]?.delta.content ?? "";
    return text;
  };

  test("an error event inside a stream", () =>
    assert.rejects(drain("error-after=2"), OpenAI.APIError));

  test("a stream that breaks", async () => {
    await assert.rejects(drain("truncate-after=2"));
    await assert.rejects(drain("reset-after=2"));
    await assert.rejects(drain("malformed-after=2"));
  });

  test("streams that are odd, and whole all the same", async () => {
    const text = await drain("ping-after=9");
    assert.equal(text.split(" ").length, 5);
    for (const fault of ["crlf", "ping-after=1", "huge-after=2:200000", "tokens-per-chunk=3", "drip=40:1", "buffer", "no-done"])
      assert.equal(await drain(fault), text, fault);
  });
});

describe("quotas", () => {
  let mock, folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "farebox-"));
    writeFileSync(join(folder, "keys"), "sk-a rpm=60\nsk-b rpm=1\n");
    mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--api-key-file", join(folder, "keys"));
  });
  after(async () => {
    await mock.stop();
    rmSync(folder, { recursive: true });
  });

  test("keys", async () => {
    const ask = (apiKey) => clientOf(mock, { apiKey }).chat.completions
      .create({ model: "m", messages, max_tokens: 1 }).withResponse();
    await assert.rejects(ask("sk-wrong"), { status: 401, code: "invalid_api_key" });
    const { response } = await ask("sk-a");
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "60");
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "59");
    await ask("sk-b");
    await assert.rejects(ask("sk-b"), (e) => {
      assert.ok(e instanceof OpenAI.RateLimitError);
      assert.equal(e.code, "rate_limit_exceeded");
      assert.ok(Number(e.headers.get("retry-after")) > 50);
      return true;
    });
  });
});

describe("retries", () => {
  test("the client's own retries get through", async () => {
    const mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--fault", "status=503@#1-2");
    const client = clientOf(mock, { maxRetries: 2 });
    const answer = await client.chat.completions.create({ model: "m", messages, max_tokens: 2 });
    assert.equal(answer.usage.completion_tokens, 2);
    const report = await mock.stop();
    assert.equal(report.requests, 3);
    assert.equal(report.refused, 2);
    assert.equal(report.completed, 1);
  });
});

describe("reasoning", () => {
  test("comes before the content and is counted", async () => {
    const mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--reasoning-tokens", "8");
    const stream = await clientOf(mock).chat.completions.create({
      model: "m", messages, max_tokens: 12, stream: true, stream_options: { include_usage: true },
    });
    let order = "", usage;
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta ?? {};
      order += delta.reasoning_content ? "r" : delta.content ? "c" : "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(order, "rrrrrrrrcccc");
    assert.equal(usage.completion_tokens_details.reasoning_tokens, 8);
    await mock.stop();
  });
});
