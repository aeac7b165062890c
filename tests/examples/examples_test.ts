// Each folder of examples/, copied out of the repository as a user would copy it, and run.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { ANSI, Example, hasProgram } from "./example.ts";
import { skippedIf } from "../support/skip.ts";

const PRINTS: Record<string, string[]> = {
  first_task: ["6 words"],
  flow: [
    'to be {"t":1,"o":1,"b":1,"e":1}',
    'or not {"o":2,"r":1,"n":1,"t":1}',
    'to be {"t":1,"o":1,"b":1,"e":1}',
    'together {"t":3,"o":4,"b":2,"e":2,"r":1,"n":1}',
  ],
  cancel_and_timeout: [
    "the caller gave up: true",
    "asked to stop: true",
    "cancelled: no longer needed",
    "over its limit: TimedOut",
    "too late to start: Expired",
    "attempts: 3",
  ],
};

for (const [name, lines] of Object.entries(PRINTS)) {
  Deno.test(`examples/${name} runs to its end and prints what it found`, async () => {
    await using example = await Example.of(name);
    assert.deepEqual(await example.runToEnd(), lines);
  });
}

Deno.test("examples/own_service submits a report once for each order, and shows it at its own paths", async () => {
  await using example = await Example.of("own_service");
  const url = await example.serve();
  const body = JSON.stringify({ lines: [{ item: "tea", cents: 450 }, { item: "milk", cents: 120 }] });
  const order = async () => {
    const answer = await fetch(`${url}/orders/7/report`, { method: "POST", body });
    assert.equal(answer.status, 202);
    return (await answer.json()).report as string;
  };
  const report = await order();
  assert.equal(await order(), report);
  const id = report.split("/").at(-1);
  const ended = await (await fetch(`${url}/jobs/v1/tasks/${id}?wait=60`)).json();
  assert.equal(ended.state.type, "COMPLETED");
  const shown = await (await fetch(url + report)).json();
  assert.deepEqual(shown, {
    state: "Completed",
    progress: { current: 2, total: 2, message: "milk" },
    result: { order: 7, totalCents: 570 },
    error: null,
  });
  assert.equal((await example.stop()).code, 0);
});

Deno.test("examples/browser_stream serves its page, its script and the client that the script imports", async () => {
  await using example = await Example.of("browser_stream");
  const url = await example.serve();
  assert.match(await (await fetch(url)).text(), /Results as they come/);
  const script = await (await fetch(`${url}/page.js`)).text();
  const [, client] = /from "([^"]+)"/.exec(script)!;
  const answer = await fetch(url + client);
  assert.equal(answer.headers.get("content-type")?.split(";")[0], "text/javascript");
  assert.ok((await answer.text()).includes("Client"), "it exports no Client");
  assert.equal((await example.stop()).code, 0);
});

Deno.test({
  ...skippedIf(
    hasProgram("python3") ? null : "no python3",
    "examples/python_over_http is called from Python",
  ),
  async fn() {
    await using example = await Example.of("python_over_http");
    const url = await example.serve();
    const { code, stdout, stderr } = await example.run({ program: "python3", args: ["client.py", url] });
    assert.equal(code, 0, stderr);
    const [first, ...streamed] = stdout.replaceAll(ANSI, "").trim().split("\n");
    assert.equal(first, "Hello, Ada!");
    assert.equal(streamed.pop(), "end {'total': 3, 'yielded': 3}");
    assert.deepEqual(streamed.sort(), [
      "COMPLETED Hello, Barbara!",
      "COMPLETED Hello, Edsger!",
      "COMPLETED Hello, Grace!",
    ]);
  },
});

Deno.test("every folder of examples/ is run here", () => {
  const folders = [...Deno.readDirSync(new URL("../../examples/", import.meta.url))]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  const run = [...Object.keys(PRINTS), "own_service", "browser_stream", "python_over_http"];
  assert.deepEqual(folders.sort(), run.sort());
});
