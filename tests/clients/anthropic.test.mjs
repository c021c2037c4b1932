// The official Anthropic client against `farebox mock`: what a user's program would do, and what it
// must see.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { startMock } from "./support.mjs";

/** A client; it adds /v1 to its base itself. */
function clientOf(mock, more = {}) {
  return new Anthropic({ apiKey: "sk-ant-test", baseURL: mock.url.replace(/\/v1$/, ""), maxRetries: 0, ...more });
}

const messages = [{ role: "user", content: "What is the fare?" }];
const weather = {
  name: "get_weather",
  description: "Weather of a city",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
    required: ["city", "days"],
  },
};
const clock = { name: "get_time", input_schema: { type: "object", properties: {} } };
const words = (n, first = "w") => Array.from({ length: n }, (_, i) => `${first}${i}`).join(" ");

describe("messages", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "2", "--itl-ms", "1", "--template-tokens", "10", "--reasoning-tokens", "8");
    client = clientOf(mock);
  });
  after(() => mock.stop());
  const create = (more, options) => client.messages.create({ model: "m", messages, max_tokens: 12, ...more }, options);

  test("a whole answer", async () => {
    const answer = await create();
    assert.equal(answer.type, "message");
    assert.equal(answer.role, "assistant");
    assert.equal(answer.content[0].type, "text");
    assert.equal(answer.content[0].text.split(" ").length, 12);
    assert.equal(answer.stop_reason, "max_tokens");
    assert.equal(answer.stop_sequence, null);
    assert.equal(answer.usage.input_tokens, 14);
    assert.equal(answer.usage.output_tokens, 12);
    assert.equal(answer.usage.cache_read_input_tokens, 0);
    assert.match(answer._request_id, /^req_/);
  });

  test("a stream, event by event", async () => {
    const seen = [];
    let text = "", usage, start;
    for await (const event of await create({ stream: true })) {
      if (seen.at(-1) !== event.type) seen.push(event.type);
      if (event.type === "message_start") start = event.message;
      if (event.type === "content_block_delta") text += event.delta.text;
      if (event.type === "message_delta") usage = event.usage;
    }
    assert.deepEqual(seen, ["message_start", "content_block_start", "content_block_delta",
                            "content_block_stop", "message_delta", "message_stop"]);
    assert.equal(start.usage.input_tokens, 14);
    assert.equal(text.split(" ").length, 12);
    assert.equal(usage.output_tokens, 12);
  });

  test("the streaming helper sees the same message as a whole answer", async () => {
    const whole = await create();
    let heard = "";
    const stream = client.messages.stream({ model: "m", messages, max_tokens: 12 }).on("text", (t) => { heard += t; });
    const final = await stream.finalMessage();
    assert.deepEqual(final.content.map((b) => b.text), whole.content.map((b) => b.text));
    assert.equal(heard, whole.content[0].text);
    assert.equal(await stream.finalText(), whole.content[0].text);
    assert.deepEqual(final.usage, whole.usage);
    assert.equal(final.stop_reason, "max_tokens");
  });

  test("stop sequences", async () => {
    const text = (await create({ max_tokens: 20 })).content[0].text;
    const word = text.split(" ")[4];
    const cut = await create({ max_tokens: 20, stop_sequences: ["nowhere", word] });
    assert.equal(cut.stop_reason, "stop_sequence");
    assert.equal(cut.stop_sequence, word);
    assert.ok(text.startsWith(cut.content[0].text) && !cut.content[0].text.includes(word));
  });

  test("tools, parallel, one at a time, chosen and none", async () => {
    const tools = [weather, clock], max_tokens = 100;
    const answer = await create({ tools, max_tokens });
    assert.equal(answer.stop_reason, "tool_use");
    assert.deepEqual(answer.content.map((b) => [b.type, b.name]),
                     [["tool_use", "get_weather"], ["tool_use", "get_time"]]);
    assert.equal(typeof answer.content[0].input.city, "string");
    assert.ok(Number.isInteger(answer.content[0].input.days));
    const single = await create({ tools, max_tokens, tool_choice: { type: "any", disable_parallel_tool_use: true } });
    assert.equal(single.content.length, 1);
    const chosen = await create({ tools, max_tokens, tool_choice: { type: "tool", name: "get_time" } });
    assert.deepEqual(chosen.content.map((b) => b.name), ["get_time"]);
    const none = await create({ tools, max_tokens, tool_choice: { type: "none" } });
    assert.equal(none.content[0].type, "text");
  });

  test("tools in a stream, put together by the client", async () => {
    const inputs = [];
    const final = await client.messages.stream({ model: "m", messages, max_tokens: 100, tools: [weather, clock] })
      .on("contentBlock", (block) => inputs.push(block.input)).finalMessage();
    assert.deepEqual(final.content.map((b) => b.name), ["get_weather", "get_time"]);
    assert.equal(typeof inputs[0].city, "string");
    assert.deepEqual(final.content[0].input, inputs[0]);
  });

  test("a tool loop ends", async () => {
    const turns = [...messages];
    let rounds = 0, answer;
    do {
      answer = await create({ messages: turns, tools: [weather], max_tokens: 100 });
      turns.push({ role: "assistant", content: answer.content });
      const uses = answer.content.filter((b) => b.type === "tool_use");
      if (uses.length)
        turns.push({ role: "user", content: uses.map((b) => ({ type: "tool_result", tool_use_id: b.id, content: "rain" })) });
    } while (answer.stop_reason === "tool_use" && ++rounds < 5);
    assert.equal(rounds, 1);
    assert.equal(answer.content[0].type, "text");
  });

  test("thinking, whole, streamed and omitted", async () => {
    const thinking = { type: "enabled", budget_tokens: 1024 }, max_tokens = 1200;
    const answer = await create({ thinking, max_tokens });
    assert.deepEqual(answer.content.map((b) => b.type), ["thinking", "text"]);
    assert.ok(answer.content[0].signature.length > 0);
    assert.equal(answer.usage.output_tokens, 1200);
    assert.equal(answer.usage.output_tokens_details.thinking_tokens, 8);
    let thoughts = "", signature;
    const final = await client.messages.stream({ model: "m", messages, max_tokens, thinking })
      .on("thinking", (t) => { thoughts += t; }).on("signature", (s) => { signature = s; }).finalMessage();
    assert.equal(thoughts, answer.content[0].thinking);
    assert.equal(thoughts.split(" ").length, 8);
    assert.equal(signature, answer.content[0].signature);
    assert.equal(final.content[0].signature, signature);
    const hidden = await create({ thinking: { type: "adaptive", display: "omitted" } });
    assert.equal(hidden.content[0].thinking, "");
    assert.equal(hidden.usage.output_tokens_details.thinking_tokens, 8);
    const plain = await create();
    assert.deepEqual(plain.content.map((b) => b.type), ["text"]);
  });

  test("a thinking answer can be sent back", async () => {
    const first = await create({ thinking: { type: "adaptive" } });
    const next = await create({ messages: [...messages, { role: "assistant", content: first.content },
                                           { role: "user", content: "And now?" }] });
    assert.equal(next.stop_reason, "max_tokens");
  });

  test("a cache for five minutes and for an hour", async () => {
    const kept = (ttl) => ({ cache_control: { type: "ephemeral", ...(ttl && { ttl }) } });
    const ask = (text) => create({
      system: [{ type: "text", text: words(50, "s"), ...kept("1h") }],
      messages: [{ role: "user", content: [{ type: "text", text: words(30, "d"), ...kept() }] },
                 { role: "user", content: text }],
    });
    const first = (await ask("one two")).usage, second = (await ask("three")).usage;
    assert.equal(first.input_tokens, 2);
    assert.equal(first.cache_read_input_tokens, 0);
    assert.equal(first.cache_creation_input_tokens, 90);
    assert.deepEqual(first.cache_creation, { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 60 });
    assert.equal(second.input_tokens, 1);
    assert.equal(second.cache_read_input_tokens, 90);
    assert.equal(second.cache_creation_input_tokens, 0);
    const unmarked = (await create({ system: words(50, "s") })).usage;
    assert.equal(unmarked.cache_read_input_tokens, 0);
    assert.equal(unmarked.input_tokens, 64);
    const { usage } = await client.messages.stream({
      model: "m", max_tokens: 3, system: [{ type: "text", text: words(50, "s"), ...kept("1h") }], messages,
    }).finalMessage();
    assert.equal(usage.cache_read_input_tokens, 60);
    assert.equal(usage.input_tokens, 4);
  });

  test("a conversation that is marked as a whole", async () => {
    const turns = [{ role: "user", content: words(40, "t") }];
    const seen = [];
    for (let i = 0; i < 3; i++) {
      const { usage, content } = await create({ messages: turns, cache_control: { type: "ephemeral" } });
      seen.push([usage.cache_read_input_tokens, usage.cache_creation_input_tokens]);
      turns.push({ role: "assistant", content }, { role: "user", content: words(8, `u${i}`) });
    }
    assert.deepEqual(seen, [[0, 50], [50, 20], [70, 20]]);
  });

  test("tokens are counted beforehand", async () => {
    const more = { system: "be brief", tools: [weather] };
    const { input_tokens } = await client.messages.countTokens({ model: "m", messages, ...more });
    const answer = await create({ ...more, tool_choice: { type: "none" } });
    assert.equal(answer.usage.input_tokens, input_tokens);
    assert.equal((await client.messages.countTokens({ model: "m", messages })).input_tokens, 14);
  });

  test("structured output", async () => {
    const answer = await create({
      max_tokens: 60,
      output_config: { format: { type: "json_schema", schema: {
        type: "object", required: ["amount"], additionalProperties: false,
        properties: { amount: { type: "number", minimum: 0 }, line: { enum: ["red", "blue"] } } } } },
    });
    assert.ok(JSON.parse(answer.content[0].text).amount >= 0);
  });

  test("an aborted stream", async () => {
    const stream = client.messages.stream({ model: "m", messages, max_tokens: 100000 });
    let seen = 0;
    stream.on("text", () => { if (++seen === 5) stream.abort(); });
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    assert.ok(seen >= 5 && seen < 1000);
  });

  test("models", async () => {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.deepEqual(names, ["farebox-mock"]);
    const one = await client.models.retrieve("farebox-mock");
    assert.deepEqual([one.type, one.id, one.display_name], ["model", "farebox-mock", "farebox-mock"]);
    assert.equal((await client.models.list()).has_more, false);
  });
});

describe("errors of messages", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--model", "fare-1");
    client = clientOf(mock);
  });
  after(() => mock.stop());
  const ask = (more, options) => client.messages.create({ model: "fare-1", messages, max_tokens: 5, ...more }, options);
  const fault = (text) => ({ headers: { "x-farebox-fault": text } });

  test("bad requests say what is wrong", async () => {
    await assert.rejects(ask({ temperature: 9 }), (e) => {
      assert.ok(e instanceof Anthropic.BadRequestError);
      assert.equal(e.error.type, "error");
      assert.equal(e.error.error.type, "invalid_request_error");
      assert.match(e.error.error.message, /temperature/);
      assert.match(e.requestID, /^req_/);
      return true;
    });
    await assert.rejects(ask({ max_tokens: undefined }), /max_tokens: Field required/);
    await assert.rejects(ask({ model: "fare-2" }), Anthropic.NotFoundError);
  });

  for (const [status, kind, type] of [[401, Anthropic.AuthenticationError, "authentication_error"],
                                      [403, Anthropic.PermissionDeniedError, "permission_error"],
                                      [429, Anthropic.RateLimitError, "rate_limit_error"],
                                      [500, Anthropic.InternalServerError, "api_error"],
                                      [529, Anthropic.InternalServerError, "overloaded_error"]])
    test(`status ${status}`, () =>
      assert.rejects(ask({}, fault(`status=${status}`)), (e) => {
        assert.ok(e instanceof kind);
        assert.equal(e.error.error.type, type);
        return true;
      }));

  test("a reset, a stall beyond the client's timeout", async () => {
    await assert.rejects(ask({}, fault("reset")), Anthropic.APIConnectionError);
    await assert.rejects(ask({}, { timeout: 100, ...fault("stall=2000") }), Anthropic.APIConnectionTimeoutError);
  });

  const drain = async (text) => {
    let heard = "";
    for await (const event of await ask({ stream: true }, fault(text)))
      if (event.type === "content_block_delta") heard += event.delta.text;
    return heard;
  };

  test("streams that break", async () => {
    await assert.rejects(drain("error-after=2"), Anthropic.APIError);
    await assert.rejects(drain("truncate-after=2"));
    await assert.rejects(drain("reset-after=2"));
  });

  test("streams that are odd, and whole all the same", async () => {
    const text = await drain("ping-after=9");
    assert.equal(text.split(" ").length, 5);
    for (const odd of ["crlf", "ping-after=1", "huge-after=2:200000", "tokens-per-chunk=3", "drip=40:1", "buffer"])
      assert.equal(await drain(odd), text, odd);
  });
});

describe("keys and retries of messages", () => {
  let mock, folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "farebox-"));
    writeFileSync(join(folder, "keys"), "sk-ant-a rpm=60\nsk-ant-b rpm=1\n");
    mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--api-key-file", join(folder, "keys"));
  });
  after(async () => {
    await mock.stop();
    rmSync(folder, { recursive: true });
  });
  const ask = (more) => clientOf(mock, more).messages.create({ model: "m", messages, max_tokens: 1 });

  test("keys and tokens", async () => {
    await assert.rejects(ask({ apiKey: "sk-wrong" }), Anthropic.AuthenticationError);
    await ask({ apiKey: "sk-ant-a" });
    await ask({ apiKey: null, authToken: "sk-ant-a" });
    await ask({ apiKey: "sk-ant-b" });
    await assert.rejects(ask({ apiKey: "sk-ant-b" }), (e) => {
      assert.ok(e instanceof Anthropic.RateLimitError);
      assert.ok(Number(e.headers.get("retry-after")) > 50);
      return true;
    });
  });

  for (const status of [429, 529])
    test(`the client's own retries get through ${status}`, async () => {
      const refusing = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--fault", `status=${status}@#1-2`);
      const answer = await clientOf(refusing, { maxRetries: 2 }).messages
        .create({ model: "m", messages, max_tokens: 2 });
      assert.equal(answer.usage.output_tokens, 2);
      const report = await refusing.stop();
      assert.deepEqual([report.requests, report.refused, report.completed], [3, 2, 1]);
    });
});
