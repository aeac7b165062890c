// deno-lint-ignore-file no-console -- a skipped test says why
// The package as others get it: installed by npm and run by Node, and imported by a page.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { stale } from "../../tools/build_client.ts";
import { aServer } from "../support/client_service.ts";

const PACKAGE = fileURLToPath(new URL("../../client/npm", import.meta.url));
const CHROMIUM = "/usr/bin/chromium";

/** What any runtime has to be able to do. `errand` is the package, `url` the service. */
const PROGRAM = `
const errand = new Client({ url });
const sum = await (await errand.submit("add", { a: 1, b: 2 })).result();
const flow = await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 10 }, { into: "b" })));
const composed = [await flow.result(), await (await errand.submit("add", { a: flow, b: flow.future("0") })).result()];
const squares = await errand.map("echo", { value: [1, 4, 9] });
const slow = await errand.map("sleep", [{ ms: 300, value: "last" }, { ms: 1, value: "first" }]);
const order = [];
for await (const future of asCompleted(slow, { timeoutMs: 20_000 })) order.push(await future.result());
const failed = await errand.submit("fail", { message: "boom", name: "DemoError" });
const error = await failed.exception();
const events = [];
for await (const { event } of (await errand.submit("countdown", { from: 1, stepMs: 1 })).events()) events.push(event);
const late = await (await errand.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 })).result({ timeoutMs: 50 }).catch(String);
const all = { sum, composed, values: await squares.results(), order, name: error.remoteName, is: error instanceof TaskError, events, late };
`;

interface Seen {
  sum: number;
  composed: number[];
  values: number[];
  order: string[];
  name: string;
  is: boolean;
  events: string[];
  late: string;
}

function assertSeen(seen: Seen): void {
  const { late, events, ...rest } = seen;
  assert.deepEqual(rest, {
    sum: 3,
    composed: [13, 16],
    values: [1, 4, 9],
    order: ["first", "last"],
    name: "DemoError",
    is: true,
  });
  assert.match(late, /^TimeoutError: task \S+ has not ended within 50 ms/);
  assert.equal(events.at(-1), "result");
  for (const event of ["state", "progress", "log", "chunk"]) assert.ok(events.includes(event), event);
}

async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<{ code: number; said: string; stdout: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1" },
  })
    .output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), said: decoder.decode(stderr) };
}

/** How to run Node 22 or newer here: the one on the path, or one that npx fetches. */
async function nodeCommand(): Promise<string[]> {
  const { code, stdout } = await run("node", ["--version"], ".").catch(() => ({ code: 1, stdout: "" }));
  return code === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) >= 22 ? ["node"] : ["npx", "-y", "node@22"];
}

/** A Node project that has the package from npm's own hands; null with a reason if that cannot be had. */
async function aNodeProject(): Promise<{ path: string; node: string[] } | string> {
  const path = await Deno.makeTempDir({ prefix: "errand-node-" });
  await Deno.writeTextFile(`${path}/package.json`, '{"type":"module"}');
  const install = ["install", "--no-audit", "--no-fund", "--install-links", PACKAGE];
  const installed = await run("npm", install, path).catch((error) => ({ code: 1, said: String(error) }));
  const node = await nodeCommand();
  const runs = await run(node[0], [...node.slice(1), "--version"], path).catch((error) => ({
    code: 1,
    said: String(error),
  }));
  const failed = [installed, runs].find(({ code }) => code !== 0);
  if (!failed) return { path, node };
  await Deno.remove(path, { recursive: true });
  return failed.said;
}

const project = await aNodeProject();
if (typeof project === "string") {
  console.warn(`skipped, as npm has no package or no Node 22 to give: ${project}`);
}

Deno.test({
  name: "the package does in Node 22 what it does in Deno, and lets the process end",
  ignore: typeof project === "string",
  async fn() {
    await using server = await aServer();
    const { path, node: [command, ...args] } = project as { path: string; node: string[] };
    await Deno.writeTextFile(
      `${path}/program.js`,
      `import { asCompleted, chain, Client, sig, TaskError } from "@errand/client";
const url = process.argv[2];
${PROGRAM}
console.log(JSON.stringify(all));`,
    );
    try {
      const { code, stdout, said } = await run(command, [...args, "program.js", server.url], path);
      assert.equal(code, 0, said);
      assertSeen(JSON.parse(stdout));
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
});

const hasChromium = await Deno.stat(CHROMIUM).then(() => true, () => false);
if (!hasChromium) console.warn(`skipped, as there is no browser: ${CHROMIUM}`);

Deno.test({
  name: "a page imports the client from the service and does the same",
  ignore: !hasChromium,
  async fn() {
    await using server = await aServer();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/healthz`);
      const code = `(async () => {
        const { asCompleted, chain, Client, sig, TaskError } = await import("/client/errand.js");
        const url = location.origin;
        ${PROGRAM}
        return all;
      })()`;
      assertSeen(await page.evaluate(code) as Seen);
    } finally {
      await browser.close();
    }
  },
});

Deno.test("a browser's six connections are enough for a thousand futures and a call beside them", {
  ignore: !hasChromium,
}, async () => {
  await using server = await aServer();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/healthz`);
    const code = `(async () => {
      const { Client } = await import("/client/errand.js");
      const errand = new Client({ url: location.origin });
      const delayed = await errand.map("sleep", Array.from({ length: 1000 }, () => ({ ms: 1 })), { delayMs: 500 });
      const results = delayed.map((future) => future.result());
      const beside = await (await errand.submit("add", { a: 1, b: 2 })).result();
      return [beside, (await Promise.all(results)).length];
    })()`;
    assert.deepEqual(await page.evaluate(code), [3, 1_000]);
  } finally {
    await browser.close();
  }
});

Deno.test("errand.d.ts has no errors of its own, and knows what a canvas hands on", async () => {
  const root = new URL("../../", import.meta.url);
  const program = `
    import { chain, Client, sig, type TaskFuture } from "${new URL("client/npm/errand.js", root)}";
    import type { definitions } from "${new URL("tasks/mod.ts", root)}";
    const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
    declare const text: TaskFuture<string>;
    const flow = await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 1 }, { into: "b" })));
    const sum: number = await flow.result();
    // @ts-expect-error a future of another type
    await errand.submit("add", { a: text, b: sum });
    // @ts-expect-error a name of no definition
    await errand.run(chain(sig("ad")));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const config = fileURLToPath(new URL("deno.json", root));
    for (const each of [file, fileURLToPath(new URL("client/npm/errand.d.ts", root))]) {
      const { code, said } = await run(Deno.execPath(), ["check", "--no-lock", "-c", config, each], ".");
      assert.equal(code, 0, said);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("errand.js and errand.d.ts are what the sources give", async () => {
  assert.deepEqual(await stale(), [], "run deno task client");
});
