// The official OpenAI client's Responses API against `farebox mock`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import OpenAI from "openai";
import { clientOf, startMock } from "./support.mjs";

const input = "What is the fare?";
const weather = {
  type: "function", name: "get_weather", strict: true,
  parameters: {
    type: "object", required: ["city", "days"], additionalProperties: false,
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
  },
};
const clock = { type: "function", name: "get_time", strict: false, parameters: { type: "object", properties: {} } };
const fare = {
  type: "json_schema", name: "fare", strict: true, schema: {
    type: "object", required: ["amount", "lines"], additionalProperties: false,
    properties: { amount: { type: "number", minimum: 0 },
                  lines: { type: "array", items: { type: "string", enum: ["red", "blue"] } } },
  },
};

/** The text of a response as it is on the wire; `output_text` is the client's own, and not everywhere. */
const textOf = (answer) => answer.output.find((item) => item.type === "message").content[0].text;

describe("responses", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "2", "--itl-ms", "1", "--template-tokens", "10", "--output-tokens", "15");
    client = clientOf(mock);
  });
  after(() => mock.stop());

  test("a whole answer", async () => {
    const answer = await client.responses.create({ model: "m", input, metadata: { team: "red" } });
    assert.equal(answer.object, "response");
    assert.equal(answer.status, "completed");
    assert.equal(answer.output_text.split(" ").length, 15);
    assert.deepEqual(answer.metadata, { team: "red" });
    assert.deepEqual(answer.usage, {
      input_tokens: 14, input_tokens_details: { cached_tokens: 0 }, output_tokens: 15,
      output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 29,
    });
    assert.ok(answer._request_id);
  });

  test("one that its limit ends is incomplete", async () => {
    const answer = await client.responses.create({ model: "m", input, max_output_tokens: 4 });
    assert.equal(answer.status, "incomplete");
    assert.deepEqual(answer.incomplete_details, { reason: "max_output_tokens" });
    assert.equal(answer.usage.output_tokens, 4);
  });

  test("a stream of typed events", async () => {
    const stream = await client.responses.create({ model: "m", input, max_output_tokens: 9, stream: true });
    let text = "", next = 0, last;
    for await (const event of stream) {
      assert.equal(event.sequence_number, next++);
      if (event.type === "response.output_text.delta") text += event.delta;
      last = event;
    }
    assert.equal(last.type, "response.incomplete");
    assert.equal(last.response.output[0].content[0].text, text);
    assert.equal(text.split(" ").length, 9);
    assert.equal(last.response.usage.output_tokens, 9);
  });

  test("the streaming helper sees the same text as a whole answer", async () => {
    const whole = await client.responses.create({ model: "m", input });
    const stream = client.responses.stream({ model: "m", input });
    const snapshots = [];
    stream.on("response.output_text.delta", ({ snapshot }) => snapshots.push(snapshot));
    const final = await stream.finalResponse();
    assert.equal(final.status, "completed");
    assert.equal(textOf(final), whole.output_text);
    assert.equal(snapshots.at(-1), whole.output_text);
    assert.equal(snapshots.length, 15);
  });

  test("structured outputs, whole and in a stream", async () => {
    const parsed = await client.responses.parse({ model: "m", input, text: { format: fare } });
    const stream = client.responses.stream({ model: "m", input, text: { format: fare } });
    for (const value of [parsed.output_parsed, JSON.parse(textOf(await stream.finalResponse()))]) {
      assert.ok(value.amount >= 0);
      assert.ok(value.lines.every((line) => ["red", "blue"].includes(line)));
    }
    const plain = await client.responses.create({ model: "m", input, text: { format: { type: "json_object" } } });
    assert.equal(typeof JSON.parse(plain.output_text), "object");
  });

  test("functions, whole and in a stream", async () => {
    const tools = [weather, clock];
    const whole = await client.responses.create({ model: "m", input, tools });
    const stream = client.responses.stream({ model: "m", input, tools });
    const snapshots = [];
    stream.on("response.function_call_arguments.delta", ({ snapshot }) => snapshots.push(snapshot));
    for (const answer of [whole, await stream.finalResponse()]) {
      assert.deepEqual(answer.output.map((item) => item.name), ["get_weather", "get_time"]);
      const given = JSON.parse(answer.output[0].arguments);
      assert.equal(typeof given.city, "string");
      assert.ok(Number.isInteger(given.days) && given.days >= 1 && given.days <= 7);
    }
    assert.ok(snapshots.includes(whole.output[0].arguments));
    const single = await client.responses.create({ model: "m", input, tools, parallel_tool_calls: false });
    assert.equal(single.output.length, 1);
  });

  test("a tool loop ends", async () => {
    const items = [{ role: "user", content: [{ type: "input_text", text: input }] }];
    let rounds = 0, answer;
    do {
      answer = await client.responses.create({ model: "m", input: items, tools: [weather] });
      items.push(...answer.output);
      for (const call of answer.output.filter((item) => item.type === "function_call"))
        items.push({ type: "function_call_output", call_id: call.call_id, output: "rain" });
    } while (answer.output.some((item) => item.type === "function_call") && ++rounds < 5);
    assert.equal(rounds, 1);
    assert.equal(typeof answer.output_text, "string");
  });

  test("instructions and turns count as input", async () => {
    const answer = await client.responses.create({
      model: "m", instructions: "Be brief.",
      input: [{ role: "developer", content: "a b" }, { role: "user", content: "c" },
              { role: "assistant", content: "d e" }, { role: "user", content: "f" }],
    });
    assert.equal(answer.usage.input_tokens, 10 + 2 + 6);
    assert.equal(answer.instructions, "Be brief.");
  });

  test("an aborted stream", async () => {
    const stream = await client.responses.create({ model: "m", input, max_output_tokens: 100000, stream: true });
    let seen = 0;
    for await (const event of stream)
      if (event.type === "response.output_text.delta" && ++seen === 5) stream.controller.abort();
    assert.ok(seen >= 5 && seen < 1000);
  });

  test("bad requests name the parameter", async () => {
    const ask = (more) => client.responses.create({ model: "m", input, ...more });
    await assert.rejects(ask({ temperature: 9 }), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError);
      assert.equal(e.param, "temperature");
      assert.equal(e.code, "decimal_above_max_value");
      return true;
    });
    await assert.rejects(ask({ max_tokens: 5 }), { code: "unknown_parameter", param: "max_tokens" });
    await assert.rejects(ask({ input: [] }), OpenAI.BadRequestError);
    await assert.rejects(ask({ background: true }), { status: 400, param: "background" });
  });

  test("a conversation by the id of its last answer", async () => {
    const first = await client.responses.create({ model: "m", input, tools: [weather] });
    const second = await client.responses.create({
      model: "m", tools: [weather], previous_response_id: first.id,
      input: [{ type: "function_call_output", call_id: first.output[0].call_id, output: "rain" }],
    });
    const third = await client.responses.create({ model: "m", input: "And now?", previous_response_id: second.id });
    assert.equal(third.previous_response_id, second.id);
    assert.equal(third.usage.input_tokens, second.usage.total_tokens + 2);
    await assert.rejects(client.responses.create({ model: "m", input, previous_response_id: "resp_1" }),
                         { status: 404, code: "previous_response_not_found" });
    await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  });

  test("faults", async () => {
    const ask = (fault, more = {}, options = {}) => client.responses.create(
      { model: "m", input, ...more }, { headers: { "x-farebox-fault": fault }, ...options });
    await assert.rejects(ask("status=429"), OpenAI.RateLimitError);
    await assert.rejects(ask("status=503"), OpenAI.InternalServerError);
    await assert.rejects(ask("reset"), OpenAI.APIConnectionError);
    await assert.rejects(ask("stall=2000", {}, { timeout: 100 }), OpenAI.APIConnectionTimeoutError);
    const types = async (fault) => {
      const seen = [];
      for await (const event of await ask(fault, { stream: true })) seen.push(event);
      return seen;
    };
    const last = (await types("error-after=2")).at(-1);
    assert.equal(last.type, "error");
    assert.equal(last.code, "internal_error");
    for (const fault of ["truncate-after=2", "reset-after=2", "malformed-after=2"])
      await assert.rejects(types(fault));
    for (const fault of ["crlf", "ping-after=1", "huge-after=2:200000", "tokens-per-chunk=3", "drip=40:1", "buffer"])
      assert.equal(textOf((await types(fault)).at(-1).response).split(" ").length, 15, fault);
  });
});

describe("responses that reason", () => {
  let mock, client;
  before(async () => {
    mock = await startMock("--ttft-ms", "1", "--itl-ms", "1", "--reasoning-tokens", "8", "--output-tokens", "20");
    client = clientOf(mock);
  });
  after(() => mock.stop());

  test("an item of their own before the message", async () => {
    for (const [reasoning, type] of [[undefined, "response.reasoning_text.delta"],
                                     [{ effort: "medium", summary: "auto" }, "response.reasoning_summary_text.delta"]]) {
      const stream = client.responses.stream({ model: "m", input, reasoning });
      let order = "";
      stream.on("event", (event) => {
        order += event.type === type ? "r" : event.type === "response.output_text.delta" ? "t" : "";
      });
      const final = await stream.finalResponse();
      assert.equal(order, "r".repeat(8) + "t".repeat(12));
      assert.deepEqual(final.output.map((item) => item.type), ["reasoning", "message"]);
      const told = reasoning ? final.output[0].summary : final.output[0].content;
      assert.equal(told[0].text.split(" ").length, 8);
      assert.equal(final.usage.output_tokens_details.reasoning_tokens, 8);
      assert.equal(textOf(final).split(" ").length, 12);
    }
  });

  test("less effort, less reasoning", async () => {
    const counts = [];
    for (const effort of ["none", "low", "high"])
      counts.push((await client.responses.create({ model: "m", input, reasoning: { effort } }))
        .usage.output_tokens_details.reasoning_tokens);
    assert.deepEqual(counts, [0, 4, 16]);
  });
});
