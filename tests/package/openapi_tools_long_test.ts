// What users' tools make of /openapi.json: a linter, generators of clients, and one that sends what the
// document allows and forbids. .ci/run installs them.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createErrand } from "../../mod.ts";
import { demo } from "../../tasks/mod.ts";
import { aKey } from "../support/api_keys.ts";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";
import { skippedIf } from "../support/skip.ts";

/** What it says of itself, or null where it is not installed. */
async function versionOf(program: string): Promise<string | null> {
  try {
    const { code, stdout } = await run({ program, args: ["--version"] });
    return code === 0 ? stdout.trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The Python that a program runs on has what the program needs; the first one on the path may not. */
async function pythonOf(program: string): Promise<string> {
  const paths = Deno.env.get("PATH")!.split(":").map((folder) => `${folder}/${program}`);
  const script = await Deno.readTextFile(paths.find((path) => existsSync(path))!);
  return /^#!(\S+)/.exec(script)![1];
}

async function toolTest(program: string, name: string, test: () => Promise<void>): Promise<void> {
  const missing = await versionOf(program) === null ? `no ${program} on the path; .ci/run installs it` : null;
  Deno.test({ ...skippedIf(missing, name), fn: test });
}

/** A service behind a socket, on tasks that reach for nothing outside. */
async function serving(use: (url: string, secret: string, folder: Folder) => Promise<void>): Promise<void> {
  const { add, countdown, echo, fail } = demo;
  const { key, secret } = aKey(["admin"]);
  const errors: string[] = [];
  const errand = await createErrand({
    kv: ":memory:",
    definitions: { add, countdown, echo, fail },
    apiKeys: [key],
    log: { info: () => {}, error: (message, error) => errors.push(`${message}: ${error}`) },
  });
  await errand.start();
  const handler = async (request: Request) => cutShort(await errand.fetch(await impatient(request)));
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  try {
    await using folder = await Folder.with();
    const url = `http://127.0.0.1:${server.addr.port}`;
    const document = await (await fetch(`${url}/openapi.json`)).text();
    await Deno.writeTextFile(folder.at("openapi.json"), document);
    await use(url, secret, folder);
    // The answers also tell that a function failed, or that a schedule asks for what is refused.
    const told = /^(attempt \d+ of \d+ of task |the schedule \S+ could not be fired: ValidationError)/;
    const faults = errors.filter((line) => !told.test(line));
    assert.deepEqual(faults, [], "the service logged errors");
  } finally {
    await errand.stop(0);
    await server.shutdown();
  }
}

const LONGEST_SECONDS = 1;

/** A caller who waits for no task long: schemathesis asks for hours, and takes none. */
async function impatient(request: Request): Promise<Request> {
  const url = new URL(request.url);
  for (const name of ["wait", "timeout"]) {
    if (Number(url.searchParams.get(name)) > LONGEST_SECONDS) {
      url.searchParams.set(name, `${LONGEST_SECONDS}`);
    }
  }
  const headers = new Headers(request.headers);
  if (/wait=\d/.test(headers.get("prefer") ?? "")) headers.set("prefer", `wait=${LONGEST_SECONDS}`);
  const { method } = request;
  if (method === "POST" && url.pathname === "/v1/wait") {
    return new Request(url, { method, headers, body: shortWait(await request.text()) });
  }
  if (method === "GET") return new Request(url, { headers });
  return method === "POST" ? new Request(url, { method, headers, body: request.body }) : request;
}

/** The body of a wait, or what was sent in place of one. */
function shortWait(text: string): string {
  try {
    const value = JSON.parse(text);
    const isPatient = value.timeoutSeconds === undefined || value.timeoutSeconds > LONGEST_SECONDS;
    if (Array.isArray(value) || !isPatient) return text;
    return JSON.stringify({ ...value, timeoutSeconds: LONGEST_SECONDS });
  } catch {
    return text;
  }
}

/** A stream of a task that does not end goes on for ever. */
function cutShort(response: Response): Response {
  if (!response.body || response.headers.get("content-type") !== "text/event-stream") return response;
  const cut = new TransformStream<Uint8Array, Uint8Array>();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LONGEST_SECONDS * 1_000);
  response.body.pipeTo(cut.writable, { signal: stop.signal, preventAbort: true })
    .catch(() => cut.writable.close().catch(() => {}))
    .finally(() => clearTimeout(timer));
  return new Response(cut.readable, response);
}

const QUIET = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

await toolTest(
  "redocly",
  "redocly finds nothing by its recommended rules",
  () =>
    serving(async (_url, _secret, { path }) => {
      const args = ["lint", "openapi.json", "--extends=recommended", "--format=json"];
      const { stdout, stderr } = await run({ program: "redocly", args, cwd: path, env: QUIET });
      const start = stdout.indexOf("{");
      assert.ok(start >= 0, stdout + stderr);
      const { problems } = JSON.parse(stdout.slice(start));
      const found = problems.map(({ ruleId, location: [{ pointer }] }: Problem) => `${ruleId} ${pointer}`);
      // These can go wrong in no way that is the caller's.
      const fine = ["/", "/healthz", "/readyz"].map((path) => {
        return `operation-4xx-response #/paths/${path.replaceAll("/", "~1")}/get/responses`;
      });
      assert.deepEqual(found.filter((each: string) => !fine.includes(each)), []);
    }),
);

interface Problem {
  ruleId: string;
  location: { pointer: string }[];
}

const TYPED = `
import type { components, operations, paths } from "./errand.ts";
type Schemas = components["schemas"];

const submission: Schemas["Submission"] = { task: "add", input: { a: 1, b: 2 }, options: { delayMs: 5 } };
const bare: Schemas["Submit.add"] = { ...submission, task: "add", input: { a: 1, b: 2 } };
// @ts-expect-error b is missing
const wrong: Schemas["Submit.add"] = { task: "add", input: { a: 1 } };
const cause = (error: Schemas["TaskError"]): string | undefined => error.cause?.cause?.message;
type Answer = paths["/v1/tasks/{id}"]["get"]["responses"][200]["content"]["application/json"];
const done = (task: Answer): boolean => task.done && task.error === null;
type Refusal = operations["submitTask"]["responses"][401]["content"]["application/problem+json"];
const said = (refusal: Refusal): string => refusal.detail;
type Flag = NonNullable<operations["getResult"]["parameters"]["query"]>["raiseOnFailure"];
const flag: Flag = false;
export { bare, cause, done, flag, said, wrong };
`;

await toolTest(
  "openapi-typescript",
  "the types of openapi-typescript say what the service does",
  () =>
    serving(async (_url, _secret, folder) => {
      const args = ["openapi.json", "--output", "errand.ts"];
      const made = await run({ program: "openapi-typescript", args, cwd: folder.path });
      assert.equal(made.code, 0, made.stderr);
      await Deno.writeTextFile(folder.at("typed.ts"), TYPED);
      const checked = await run({ args: ["check", "--no-config", "typed.ts"], cwd: folder.path });
      assert.equal(checked.code, 0, checked.stderr);
    }),
);

const PROGRAM = `
import os
from errand_client import AuthenticatedClient
from errand_client.api.submit import submit_task
from errand_client.api.tasks import get_result, get_task, list_tasks
from errand_client.models import InputAdd, InputFail, ListTasksStateItem, SubmitAdd, SubmitFail

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["SECRET"], raise_on_unexpected_status=True)
body = SubmitAdd(task="add", input_=InputAdd(a=1, b=2))
task = submit_task.sync(client=client, body=body, prefer="wait=20")
assert task.done and task.result == 3, task
body = SubmitFail(task="fail", input_=InputFail(message="boom"))
failed = submit_task.sync(client=client, body=body, prefer="wait=20")
assert failed.error.message == "boom", failed
problem = get_result.sync(failed.id, client=client)
assert problem.status == 424, problem
value = get_result.sync(failed.id, client=client, raise_on_failure=False)
assert value.error.message == "boom" and value.error.retryable, value
assert get_task.sync(task.id, client=client, wait=0.5).id == task.id
page = list_tasks.sync(client=client, state=[ListTasksStateItem.FAILED, ListTasksStateItem.CRASHED])
assert [each.id for each in page.tasks] == [failed.id], page
print("done")
`;

await toolTest(
  "openapi-python-client",
  "a client that openapi-python-client makes is whole, and works",
  () =>
    serving(async (url, secret, folder) => {
      const args = ["generate", "--path", "openapi.json", "--output-path", "made"];
      const made = await run({ program: "openapi-python-client", args, cwd: folder.path });
      assert.equal(made.code, 0, made.stdout + made.stderr);
      assert.doesNotMatch(made.stdout + made.stderr, /warning|unable/i);
      const env = { URL: url, SECRET: secret, PYTHONPATH: folder.at("made") };
      const ran = await run({ program: await pythonOf("openapi-python-client"), args: ["-c", PROGRAM], env });
      assert.equal(ran.stdout.trim(), "done", ran.stderr);
    }),
);

/** By phase: where it ends. Coverage has the same cases each time, and so may be cut anywhere. */
const PHASES = {
  "examples,coverage": ["--max-time", "25"],
  fuzzing: ["--max-examples", "8"],
  stateful: ["--max-examples", "20"],
};

for (const [phases, bound] of Object.entries(PHASES)) {
  await toolTest(
    "schemathesis",
    `the service answers as the document says whatever schemathesis sends: ${phases}`,
    () =>
      serving(async (url, secret, { path }) => {
        const config = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
        const args = [
          ...["--config-file", config, "run", `${url}/openapi.json`],
          ...["--header", `Authorization: Bearer ${secret}`],
          ...["--phases", phases, ...bound, "--seed", "1", "--no-color"],
          // How long a slow machine takes to make a case up, or to answer it, is no finding.
          ...["--suppress-health-check", "all", "--request-timeout", "60"],
        ];
        const { code, stdout, stderr } = await run({
          program: "schemathesis",
          args,
          cwd: path,
          hangsMs: 300_000,
        });
        assert.equal(code, 0, `${findingsIn(stdout)}\n${stderr}`);
        assert.match(stdout, /Tested: +[1-9]/);
      }),
  );
}

/** What failed and how to do it again, ahead of all else that it tells. */
function findingsIn(stdout: string): string {
  const found = /=+ (?:FAILURES|ERRORS) =+\n[^]*?(?=\n=+ (?:WARNINGS|SUMMARY) =+\n|$)/.exec(stdout);
  return (found?.[0] ?? stdout).slice(0, 20_000);
}
