// Prompts of `farebox bench` against real tokenizers: how far what was asked and what the tokenizer
// made of it are apart, with chat templates of any length, with and without /tokenize. FAREBOX names
// the program.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { encode as o200k } from "gpt-tokenizer/encoding/o200k_base";
import { encode as r50k } from "gpt-tokenizer/encoding/r50k_base";
import llama3 from "llama3-tokenizer-js";
import mistral from "mistral-tokenizer-js";

const program = process.env.FAREBOX ?? "build/farebox";
const run = promisify(execFile);

/** As of so small a vocabulary that hardly a word is one token: r50k's, whose rare ones are more. */
function small(text) {
  return r50k(text).reduce((sum, id) => sum + (id < 400 ? 1 : 1 + (id % 3)), 0);
}

const tokenizers = {
  "o200k": (text) => o200k(text).length,
  "r50k": (text) => r50k(text).length,
  "llama3": (text) => llama3.encode(text, { bos: true, eos: false }).length,
  "llama3, trimmed by its template": (text) => llama3.encode(text.trim(), { bos: false, eos: false }).length,
  "mistral": (text) => mistral.encode(text).length,
  "a small vocabulary": small,
};

/** An endpoint that counts by a tokenizer; `seen` holds the prompts of its streams. */
async function startServer(count, template, serves) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {};
    const reply = (status, value) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(value));
    };
    if (request.url === "/tokenize" && serves && body.prompt !== undefined)
      return reply(200, { count: count(body.prompt), max_model_len: 16384 });
    if (request.url === "/tokenize" && serves) return reply(422, { detail: "no prompt" });
    if (request.url !== "/v1/chat/completions") return reply(404, {});
    const text = body.messages[0].content;
    const usage = { prompt_tokens: template + count(text), completion_tokens: 1 };
    const choice = { index: 0, finish_reason: "length" };
    if (!body.stream)
      return reply(200, { choices: [{ ...choice, message: { content: "x" } }], usage });
    seen.push(text);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`data: ${JSON.stringify({ choices: [{ ...choice, delta: { content: "x" } }] })}\n\n`);
    response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { seen, url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close() };
}

describe("prompts of the asked length", () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), "farebox-prompts-"))));
  after(() => rmSync(folder, { recursive: true }));

  /** 300 lengths from 20 on, each by the same share longer than the last. */
  function trace(longest) {
    const path = join(folder, `${longest}.jsonl`);
    const rows = Array.from({ length: 300 }, (_, i) => ({
      timestamp: i, input_length: Math.round(20 * (longest / 20) ** (i / 299)), output_length: 1,
    }));
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
    return path;
  }

  async function bench(url, name, longest) {
    const path = join(folder, name);
    await run(program, ["bench", "--url", url, "--model", "m", "--trace", trace(longest), "-q",
      "--concurrency", "8", "--prompt-salt", "fixed", "-o", path]);
    return readFileSync(join(path, "requests.jsonl"), "utf8").trim().split("\n").map(JSON.parse);
  }

  for (const [name, count] of Object.entries(tokenizers)) {
    for (const [template, serves] of [[0, false], [9, true], [27, false], [60, true]]) {
      const what = `${name}, a template of ${template}, ${serves ? "with" : "without"} /tokenize`;
      test(what, async () => {
        const server = await startServer(count, template, serves);
        const longest = name === "mistral" ? 600 : 8000; // its time grows with the square
        const label = what.replace(/\W+/g, "-");
        const rows = await bench(server.url, `${label}-1`, longest);
        const first = server.seen.splice(0).sort();
        await bench(server.url, `${label}-2`, longest);
        server.close();
        assert.deepEqual(server.seen.sort(), first);
        const off = rows
          .filter((row) => row.asked.input > template + 3)
          .map((row) => Math.abs(row.usage.uncached_input - row.asked.input) /
                        Math.max(2, 0.01 * row.asked.input))
          .sort((a, b) => a - b);
        const p50 = off[Math.floor(off.length / 2)], p99 = off[Math.ceil(off.length * 0.99) - 1];
        console.log(`# ${what}: p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} of the tolerance`);
        assert.ok(off.length > 150);
        assert.ok(p99 <= 1, `p99 is ${p99} of max(2 tokens, 1 %)`);
      });
    }
  }
});
