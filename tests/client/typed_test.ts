// Wrong programs must not compile, right ones must: both are given to the compiler.

import "../strict.ts";
import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

const HEAD = `
import { asCompleted, Client, gather, type TaskFuture, unmapped, wait } from "${new URL(
  "client/mod.ts",
  root,
)}";
import type { definitions } from "${new URL("tests/definitions.ts", root)}";
const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
const untyped = new Client({ url: new URL("http://127.0.0.1:8000"), token: "t" });
declare const sum: TaskFuture<number>;
type Digests = Parameters<typeof errand.submit<"tally">>[1]["digests"];
export function is<Expected>(_: Expected) {}
`;

/** Both ways, so that neither has what the other lacks. */
const SAME = `type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const same: true = null as unknown as Same<Ours, Theirs>;`;

const RIGHT: Record<string, string> = {
  "a task's options are those that the service takes": `
import type { TaskOptions } from "${new URL("client/mod.ts", root)}";
import type { SubmitOptions } from "${new URL("runtime/submission.ts", root)}";
type Ours = Omit<TaskOptions, "metadata">;
type Theirs = Omit<SubmitOptions, "metadata">;
${SAME}`,
  "a task's states are those of the service": `
import type { StateType as Ours } from "${new URL("client/mod.ts", root)}";
import type { StateType as Theirs } from "${new URL("runtime/task.ts", root)}";
${SAME}`,
  "a task has the members that the service describes": `
import type { Task } from "${new URL("client/mod.ts", root)}";
import { taskSchema } from "${new URL("routes/schemas.ts", root)}";
type Ours = keyof Task;
type Theirs = keyof ReturnType<typeof taskSchema.parse>;
${SAME}`,
  "a result is what the definition returns":
    `is<number>(await (await errand.submit("add", { a: 1, b: 2 })).result())`,
  "a literal stays one":
    `is<"liftoff">(await (await errand.submit("countdown", { from: 1, stepMs: 1 })).result())`,
  "options are the third argument":
    `await errand.submit("add", { a: 1, b: 2 }, { timeoutMs: 5_000, id: "x", retry: { maxAttempts: 3 } })`,
  "an input that needs nothing may be left out": `await errand.submit("nothing")`,
  "a brand and any JSON are no obstacle":
    `const typed = await (await errand.submit("typed")).result(); is<string>(typed.id); is<unknown>(typed.any)`,
  "an unknown result stays unknown":
    `is<unknown>(await (await errand.submit("echo", { value: 1 })).result())`,
  "a union input takes each of its forms":
    `await errand.submit("digest", { text: "" }); await errand.submit("digest", { path: "" })`,
  "the error of a failure may be the value":
    `const value = await sum.result({ raiseOnFailure: false }); if (!(value instanceof Error)) is<number>(value)`,
  "a future from an id is given its type": `is<number>(await errand.future<number>("id").result())`,
  "futures of different types are waited for together":
    `await wait([sum, errand.future<string>("id")]); for await (const f of asCompleted([sum])) is<number>(await f.result())`,
  "a future of something is a future of unknown": `const any: TaskFuture = sum; is<string>(any.id)`,
  "map goes through fields":
    `is<number[]>(await (await errand.map("add", { a: [1, 2] }, { b: unmapped(10) })).results())`,
  "map takes one value for all": `await errand.map("add", { a: [1, 2], b: 10 })`,
  "map goes through inputs":
    `is<number[]>(await (await errand.map("add", [{ a: 1, b: 2 }], { tags: ["t"] })).results())`,
  "gather gives errors in place": `is<(number | Error)[]>(await gather([sum], { returnExceptions: true }))`,
  "gather gives each result its own type":
    `const [a, b] = await gather([sum, errand.future<string>("id")]); is<number>(a); is<string>(b)`,
  "gather goes through any iterable": `is<number[]>(await gather(new Set([sum])))`,
  "gather goes through a map": `is<number[]>(await gather(await errand.map("add", { a: [1] }, { b: 1 })))`,
  "callbacks get the future": `sum.addDoneCallback(async (f) => is<number>(await f.result()))`,
  "events are told apart by name":
    `for await (const e of sum.events()) { if (e.event === "progress") is<number>(e.data.current); if (e.event === "result") is<number>(e.data.result) }`,
  "a client without definitions takes all":
    `is<number>(await (await untyped.submit("any", { what: "ever" })).result())`,
};

/** With the code of the compiler's error. */
const WRONG: Record<string, [string, program: string]> = {
  "an unknown definition": ["TS2345", `await errand.submit("ad", { a: 1, b: 2 })`],
  "a field is missing": ["TS2345", `await errand.submit("add", { a: 1 })`],
  "no input at all": ["TS2554", `await errand.submit("add")`],
  "a field of the wrong type": ["TS2322", `await errand.submit("add", { a: 1, b: "2" })`],
  "a field too many": ["TS2353", `await errand.submit("add", { a: 1, b: 2, c: 3 })`],
  "another definition's input": ["TS2353", `await errand.submit("add", { ms: 1 })`],
  "an unknown option": ["TS2561", `await errand.submit("add", { a: 1, b: 2 }, { timeout: 1 })`],
  "an option of the wrong type": ["TS2322", `await errand.submit("add", { a: 1, b: 2 }, { delayMs: "1" })`],
  "a result of another type": [
    "TS2345",
    `is<string>(await (await errand.submit("add", { a: 1, b: 2 })).result())`,
  ],
  "errors among gathered results that the type hides": [
    "TS2322",
    `const options = { returnExceptions: true }; const all: [number] = await gather([sum], options); is<unknown>(all)`,
  ],
  "an error as a result that the type hides": [
    "TS2322",
    `const options = { raiseOnFailure: false }; const value: number = await sum.result(options); is<unknown>(value)`,
  ],
  "map over a list that is one value": ["TS2769", `await errand.map("tally", { digests: [] as Digests })`],
  "a future in place of its value": ["TS2345", `is<number>(await errand.submit("add", { a: 1, b: 2 }))`],
  "a result that may be an error": ["TS2345", `is<number>(await sum.result({ raiseOnFailure: false }))`],
  "map over the wrong elements": ["TS2769", `await errand.map("add", { a: ["1"] }, { b: 10 })`],
  "map over an unknown field": ["TS2769", `await errand.map("add", { a: [1], b: 1, c: [1] })`],
  "map over wrong inputs": ["TS2769", `await errand.map("add", [{ a: 1, b: "2" }])`],
  "an unknown returnWhen": ["TS2820", `await wait([sum], { returnWhen: "FIRST_COMPLETE" })`],
  "a future made into another": ["TS2322", `const other: TaskFuture<string> = sum; is<unknown>(other)`],
  "a client without a url": ["TS2345", `is<unknown>(new Client({}))`],
};

/** What the compiler says of each program that it does not take. */
async function errorsOf(programs: string[]): Promise<Map<string, string>> {
  const directory = await Deno.makeTempDir({ prefix: "errand-types-" });
  const files = programs.map((_, i) => `${directory}/program${i}.ts`);
  try {
    const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
    config.compilerOptions.noUnusedLocals = false; // No program uses all of the head.
    await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify(config));
    for (const [i, file] of files.entries()) await Deno.writeTextFile(file, `${HEAD}${programs[i]};\n`);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--no-lock", "-c", `${directory}/deno.json`, ...files],
      env: { NO_COLOR: "1" },
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    const errors = said.split(/^(?=TS(?!2793)\d+ \[ERROR\])/m) // TS2793 adds to another error.
      .slice(1).map((text) => {
        const at = /^ {4}at file:\S+program(\d+)\.ts/m.exec(text);
        assert.ok(at, `an error outside of the programs: ${text}`);
        return [programs[Number(at[1])], text] as const;
      });
    return new Map(errors.reverse());
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("right programs compile", async () => {
  const errors = await errorsOf(Object.values(RIGHT));
  for (const [name, program] of Object.entries(RIGHT)) assert.equal(errors.get(program), undefined, name);
});

Deno.test("wrong programs do not compile, each for its own reason", async () => {
  const errors = await errorsOf(Object.values(WRONG).map(([, program]) => program));
  for (const [name, [code, program]] of Object.entries(WRONG)) {
    assert.equal(errors.get(program)?.split(" ")[0], code, `${name}: ${errors.get(program)}`);
  }
});
