// What the tests of the official clients share. FAREBOX names the program.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import OpenAI from "openai";

const program = process.env.FAREBOX ?? "build/farebox";

function startServer(...words) {
  return spawn(program, [...words, "--listen", "127.0.0.1:0", "--json"], { stdio: ["ignore", "pipe", "ignore"] });
}

async function end(child) {
  child.kill("SIGINT");
  if (child.exitCode === null) await once(child, "exit");
}

/** With FAREBOX_RECORD=1 clients speak to the mock through farebox record. */
async function startRecorder(to) {
  const child = startServer("record", "--to", to, "-o", "/dev/null");
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { url: JSON.parse(first.value).url, stop: () => end(child) };
}

/** Starts a mock; gives its base URL and a way to end it that returns its report. */
export async function startMock(...options) {
  const child = startServer("mock", ...options);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  const own = JSON.parse(first.value).url;
  const recorder = process.env.FAREBOX_RECORD ? await startRecorder(own) : null;
  return {
    url: recorder?.url ?? own,
    async stop() {
      await recorder?.stop();
      child.kill("SIGINT");
      const report = await lines.next();
      if (child.exitCode === null) await once(child, "exit");
      return JSON.parse(report.value);
    },
  };
}

export function clientOf(mock, more = {}) {
  return new OpenAI({ apiKey: "sk-test", baseURL: mock.url, maxRetries: 0, ...more });
}
