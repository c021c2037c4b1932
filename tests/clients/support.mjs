// What the tests of the official clients share. FAREBOX names the program.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import OpenAI from "openai";

const program = process.env.FAREBOX ?? "build/farebox";

/** Starts a mock; gives its base URL and a way to end it that returns its report. */
export async function startMock(...options) {
  const child = spawn(program, ["mock", "--listen", "127.0.0.1:0", "--json", ...options], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  return {
    url: JSON.parse(first.value).url,
    async stop() {
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
