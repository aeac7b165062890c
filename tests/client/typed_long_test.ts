// Wrong programs must not compile, right ones must: both are given to the compiler.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Folder } from "../support/folder.ts";
import { run } from "../support/program.ts";

const root = new URL("../../", import.meta.url);

const HEAD = `
import { asCompleted, chain, chord, chunks, Client, gather, group, type InputOf, quote, sig, type TaskFuture, type TaskFutures, unmapped, wait } from "${new URL(
  "client/mod.ts",
  root,
)}";
import type { definitions } from "${new URL("tests/support/definitions.ts", root)}";
const errand = new Client<typeof definitions>({ url: "http://127.0.0.1:8000" });
const untyped = new Client({ url: new URL("http://127.0.0.1:8000"), token: "t" });
declare const sum: TaskFuture<number>;
declare const word: TaskFuture<string>;
type Digests = InputOf<typeof definitions, "tally">["digests"];
declare const digests: TaskFuture<Digests[number]>;
export function is<Expected>(_: Expected) {}
`;

/** Both ways, so that neither has what the other lacks. */
const SAME = `type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const same: true = null as unknown as Same<Ours, Theirs>;`;

const RIGHT: Record<string, string> = {
  "a task's options are those that the service takes": `
import type { TaskOptions } from "${new URL("client/mod.ts", root)}";
import type { SubmitOptions } from "${new URL("runtime/core/submission.ts", root)}";
type Ours = Omit<TaskOptions, "metadata">;
type Theirs = Omit<SubmitOptions, "metadata">;
${SAME}`,
  "a schedule says what the service takes, and has what it describes": `
import type { Schedule, ScheduleConfig } from "${new URL("client/mod.ts", root)}";
import type { ScheduleConfig as Taken } from "${new URL("runtime/mod.ts", root)}";
import { scheduleSchema } from "${new URL("routes/wire/schedule_json.ts", root)}";
type Ours = [keyof ScheduleConfig, ScheduleConfig["spec"], ScheduleConfig["overlap"], keyof Schedule];
type Theirs = [keyof Taken, Taken["spec"], Taken["overlap"], keyof ReturnType<typeof scheduleSchema.parse>];
${SAME}`,
  "a schedule's input is that of its definition":
    `const made = await errand.schedules.put("s", { task: "add", input: { a: 1, b: 2 }, spec: [{ everyMs: 1_000 }] }); is<number>(made.input.a)`,
  "a task's states are those of the service": `
import type { StateType as Ours } from "${new URL("client/mod.ts", root)}";
import type { StateType as Theirs } from "${new URL("runtime/core/states.ts", root)}";
${SAME}`,
  "a task has the members that the service describes": `
import type { Task } from "${new URL("client/mod.ts", root)}";
import { taskSchema } from "${new URL("routes/wire/schemas.ts", root)}";
type Ours = keyof Task;
type Theirs = keyof ReturnType<ReturnType<typeof taskSchema>.parse>;
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
  "a future stands for its result, at any depth": `
await errand.submit("add", { a: sum, b: 2 });
await errand.submit("add", await errand.submit("typed") as TaskFuture<unknown> as TaskFuture<{ a: number; b: number }>);
await errand.submit("tally", { digests: [digests, digests] });
await errand.submit("tally", { digests: [digests] as const });
await errand.submit("tally", { digests: errand.future<Digests>("id") });
declare const first: Digests[number];
await errand.submit("tally", { digests: [{ ...first, lines: sum, top: [{ word, count: sum }] }] });
await errand.submit("sleep", { ms: sum, value: word })`,
  "a list of futures stands for the list of their results":
    `declare const all: TaskFutures<Digests[number]>; await errand.submit("tally", { digests: all })`,
  "what a flow hands on can be an argument":
    `await errand.submit("add", { a: await errand.run(errand.sig("add", { a: 1, b: 2 })), b: 1 })`,
  "a quoted value has its own type":
    `await errand.submit("add", { a: quote(1), b: 2 }); await errand.submit("echo", { value: quote({ $task: "no id" }) })`,
  "a future of one form stands for a union": `await errand.submit("digest", { text: word })`,
  "a task waits for futures and ids":
    `await errand.submit("add", { a: 1, b: 2 }, { waitFor: [word, sum, "id"], allowFailure: true });
await errand.map("add", { a: [1], b: 1 }, {}, { waitFor: await errand.map("add", { a: [1], b: 1 }), maxConcurrent: 2 })`,
  "map goes through futures, and gives one to all": `
await errand.map("add", { a: [sum, 2], b: sum });
await errand.map("add", { a: await errand.map("add", { a: [1], b: 1 }) }, { b: unmapped(sum) });
await errand.map("add", [{ a: sum, b: 2 }]);
await errand.map("tally", { digests: errand.future<Digests>("id") })`,
  "map goes through what is quoted": `
is<number[]>(await (await errand.map("add", { a: quote([1, 2]) }, { b: 1 })).results());
await errand.map("echo", { value: quote([1, { $task: "no id" }]) }); await errand.map("add", quote([{ a: 1, b: 2 }]))`,
  "errors may stand among results": `
const all = await errand.map("add", { a: [1] }, { b: 1 });
is<(number | Error)[]>(await all.results({ raiseOnFailure: false }));
is<(number | Error)[]>(await errand.group<number>("id").results({ raiseOnFailure: false }));
for await (const value of all.inOrder({ raiseOnFailure: false })) if (!(value instanceof Error)) is<number>(value)`,
  "a signature's result is that of its definition": `
is<number>(await (await errand.run(errand.sig("add", { a: 1, b: 2 }))).result());
is<number>(await (await errand.run(sig("add", { a: 1, b: sum }))).result());
is<"liftoff">(await (await errand.run(sig("countdown", { from: 1, stepMs: 1 }, { name: "count", ttlMs: 1_000 }))).result())`,
  "a chain hands on what its last does": `
is<number>(await (await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { b: 3 }, { into: "a" })))).result());
const c = chain(errand.sig("add", { a: 1, b: 2 }), errand.sig("sleep", {}, { into: "ms" }), errand.sig("countdown", { from: 1, stepMs: 1 }, { immutable: true }));
is<"liftoff">(await (await errand.run(c)).result())`,
  "a group gives a tuple, or an array": `
const g = await errand.run(group(sig("add", { a: 1, b: 2 }), sig("countdown", { from: 1, stepMs: 1 })));
const [a, b] = await g.result(); is<number>(a); is<"liftoff">(b);
const many = await errand.run(group([1, 2].map((a) => sig("add", { a, b: 1 }))));
is<number[]>(await many.result());
is<number[]>(await (await errand.run(group(new Set([sig("add", { a: 1, b: 1 })])))).result())`,
  "an empty group in a chain hands on what comes before": `
const none = group();
is<number>(await (await errand.run(chain(sig("add", { a: 1, b: 2 }), none, chain(none, none)))).result());
is<number>(await (await errand.run(chain(sig("add", { a: 1, b: 2 }), none, sig("add", { b: 3 }, { into: "a" })))).result());
is<readonly []>(await (await errand.run(chain(none))).result())`,
  "a chord hands on what its body does": `
const header = ["a", "b"].map((text) => sig("digest", { text }));
is<number>((await (await errand.run(chord(header, sig("tally", {}, { into: "digests" })))).result()).files);
is<number>((await (await errand.run(chord(group(header), errand.sig("tally", {}, { into: "digests" })))).result()).files);
is<number>((await (await errand.run(chord([sig("digest", { path: "a" }), sig("digest", { url: "b" })], sig("tally", undefined, { into: "digests" })))).result()).files)`,
  "a header that is one element gives its list, or a list of one": `
const body = sig("echo", undefined, { into: "value" });
await errand.run(chord(sig("add", { a: 1, b: 2 }), body)); await errand.run(chord(chunks("add", [], 1), body));
await errand.run(chord(sig("digest", { text: "" }), sig("tally", {}, { into: "digests" })));
await errand.run(chord(chain(sig("nothing"), group(sig("digest", { text: "" }, { immutable: true }))), sig("tally", {}, { into: "digests" })))`,
  "chunks give a list of lists":
    `is<number[][]>(await (await errand.run(chunks("add", [{ a: 1, b: 2 }, { a: 3, b: sum }], 10))).result())`,
  "a whole input may come from the task before":
    `is<unknown>(await (await errand.run(chain(sig("echo", { value: 1 }), sig("add")))).result())`,
  "a long chain and a wide group": `
is<number>(await (await errand.run(chain(sig("add", { a: 1, b: 2 }), ${
    'sig("add", { a: 1 }, { into: "b" }), '.repeat(100)
  }))).result());
const wide = await errand.run(group(${'sig("add", { a: 1, b: 2 }), '.repeat(100)}));
is<number[]>(await wide.result())`,
  "canvases are nested": `
const part = chain(sig("add", { a: 1, b: 2 }), group(sig("add", { a: 1 }, { into: "b" }), sig("sleep", undefined, { into: "ms" })));
const [one] = await (await errand.run(part)).result(); is<number>(one);
const all = group(part, chord([part, part], sig("echo", {}, { into: "value" })), chunks("add", [], 1));
is<unknown>(await (await errand.run(all)).result())`,
  "a canvas that was put together at run time is taken": `
import type { Canvas } from "${new URL("client/mod.ts", root)}";
declare const any: Canvas; declare const name: string;
await errand.run(any); await errand.run(chain([any, any])); await errand.run(chain(any, sig(name, { what: "ever" })));
await errand.run(chord([any], any)); await errand.run(chunks(name, [1], 1))`,
  "a flow's tasks are there by name, and a result may be an error": `
const flow = await errand.run(sig("add", { a: 1, b: 2 }));
is<number>(await flow.future<number>("0").result()); is<TaskFutures>(flow.futures);
const value = await flow.result({ raiseOnFailure: false }); if (!(value instanceof Error)) is<number>(value)`,
  "a group from an id alone has members": `
const again = errand.group<number>("id"); is<number[]>(await again.results());
for await (const each of again.asCompleted()) is<number>(await each.result());
is<number>((await again.counts()).counts.COMPLETED ?? 0); is<number>((await again.cancel("why", { graceMs: 1 })).tooLate)`,
  "a client without definitions runs all": `
is<number>(await (await untyped.run(chain(sig("any", { what: "ever" }), untyped.sig("other", {}, { into: "x" })))).result());
await untyped.submit("any", { what: sum, list: [word, quote({ $task: 1 })] })`,
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
  "errors among results that the type hides": [
    "TS2345",
    `is<number[]>(await (await errand.map("add", { a: [1] }, { b: 1 })).results({ raiseOnFailure: false }))`,
  ],
  "map over a list that is one value": ["TS2769", `await errand.map("tally", { digests: [] as Digests })`],
  "a future in place of its value": ["TS2345", `is<number>(await errand.submit("add", { a: 1, b: 2 }))`],
  "a result that may be an error": ["TS2345", `is<number>(await sum.result({ raiseOnFailure: false }))`],
  "map over the wrong elements": ["TS2769", `await errand.map("add", { a: ["1"] }, { b: 10 })`],
  "map over an unknown field": ["TS2769", `await errand.map("add", { a: [1], b: 1, c: [1] })`],
  "map over wrong inputs": ["TS2769", `await errand.map("add", [{ a: 1, b: "2" }])`],
  "a future of another type": ["TS2322", `await errand.submit("add", { a: word, b: 2 })`],
  "a future of another type, deep inside": ["TS2322", `await errand.submit("tally", { digests: [sum] })`],
  "a future of another type as the whole input": ["TS2345", `await errand.submit("add", sum)`],
  "a future of nobody knows what": [
    "TS2322",
    `declare const any: TaskFuture; await errand.submit("add", { a: any, b: 2 })`,
  ],
  "a future in place of an object that has an id too": [
    "TS2345",
    `import type { Given } from "${new URL(
      "client/mod.ts",
      root,
    )}"; declare function take(input: Given<{ id: string }>): void; take(sum)`,
  ],
  "a quoted value of another type": ["TS2322", `await errand.submit("add", { a: quote("1"), b: 2 })`],
  "a list of futures of another type": [
    "TS2322",
    `declare const all: TaskFutures<number>; await errand.submit("tally", { digests: all })`,
  ],
  "an option as a field of the input": ["TS2353", `await errand.submit("add", { a: 1, b: 2, id: "x" })`],
  "map over futures of another type": ["TS2769", `await errand.map("add", { a: [word], b: 1 })`],
  "one future of another type for all": ["TS2769", `await errand.map("add", { a: [1], b: word })`],
  "what is waited for is no number": ["TS2322", `await errand.submit("nothing", {}, { waitFor: [1] })`],
  "maxConcurrent of one task": ["TS2353", `await errand.submit("nothing", {}, { maxConcurrent: 1 })`],
  "a signature of an unknown definition": ["TS2345", `errand.sig("ad", { a: 1, b: 2 })`],
  "a signature's field of the wrong type": ["TS2322", `errand.sig("add", { a: 1, b: "2" })`],
  "a signature without a field, and with none to come": ["TS2345", `errand.sig("add", { a: 1 })`],
  "a signature's unknown field to come": ["TS2322", `errand.sig("add", { a: 1 }, { into: "c" })`],
  "a signature's field given and to come": ["TS2353", `errand.sig("add", { a: 1, b: 2 }, { into: "b" })`],
  "a signature's unknown option": ["TS2561", `sig("add", {}, { intro: "b" })`],
  "the result of a flow of another type": [
    "TS2345",
    `is<string>(await (await errand.run(sig("add", { a: 1, b: 2 }))).result())`,
  ],
  "the result of a group as one of another type": ["TS2345", `is<string>(await errand.group("id").result())`],
  "an unknown returnWhen": ["TS2820", `await wait([sum], { returnWhen: "FIRST_COMPLETE" })`],
  "a future made into another": ["TS2322", `const other: TaskFuture<string> = sum; is<unknown>(other)`],
  "a client without a url": ["TS2345", `is<unknown>(new Client({}))`],
};

/** Canvases that do not fit the definitions, with what the compiler says of each. */
const MISFITS: Record<string, [string, program: string]> = {
  "running an unknown definition": [
    'no definition is named "ad"',
    `await errand.run(chain(sig("ad", { a: 1, b: 2 })))`,
  ],
  "running a wrong input": [
    'the input of "add" does not fit it',
    `await errand.run(group(sig("add", { a: 1, b: "2" })))`,
  ],
  "running without an input": [
    '"add" needs an input',
    `await errand.run(sig("add"))`,
  ],
  "running with a future of another type": [
    'the input of "add" does not fit it',
    `await errand.run(sig("add", { a: word, b: 2 }))`,
  ],
  "running what gets a value of another type": [
    'what comes before "add" does not fit its field "b"',
    `await errand.run(chain(sig("countdown", { from: 1, stepMs: 1 }), sig("add", { a: 1 }, { into: "b" })))`,
  ],
  "running what gets a value of another type, an empty group between": [
    'what comes before "add" does not fit its field "b"',
    `await errand.run(chain(sig("countdown", { from: 1, stepMs: 1 }), group(), sig("add", { a: 1 }, { into: "b" })))`,
  ],
  "running what gets another whole input": [
    'what comes before "add" does not fit its input',
    `await errand.run(chain(sig("countdown", { from: 1, stepMs: 1 }), sig("add")))`,
  ],
  "a body that gets a list of another type": [
    'what comes before "tally" does not fit its field "digests"',
    `await errand.run(chord([sig("add", { a: 1, b: 2 })], sig("tally", {}, { into: "digests" })))`,
  ],
  "a body that gets a list of one of another type": [
    'what comes before "tally" does not fit its field "digests"',
    `await errand.run(chord(sig("add", { a: 1, b: 2 }), sig("tally", {}, { into: "digests" })))`,
  ],
  "a body that gets lists of lists": [
    'what comes before "tally" does not fit its field "digests"',
    `await errand.run(chord(chunks("digest", [{ text: "" }], 1), sig("tally", {}, { into: "digests" })))`,
  ],
  "running what gets a value, and has an input": [
    '"add" has an input of its own: into says where what comes before goes, immutable that it goes nowhere',
    `await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 1, b: 2 })))`,
  ],
  "running what takes into a field what does not come": [
    'nothing comes before "add" that could go into "b"',
    `await errand.run(sig("add", { a: 1 }, { into: "b" }))`,
  ],
  "running with a field missing beside the one to come": [
    'the input of "add" does not fit it',
    `await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", {}, { into: "a" })))`,
  ],
  "running with a value that goes into no field": [
    'the input of "add" has no field "c"',
    `await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 1 }, { into: "c" })))`,
  ],
  "a group in which one gets what does not fit": [
    'what comes before "sleep" does not fit its field "ms"',
    `await errand.run(chain(sig("countdown", { from: 1, stepMs: 1 }), group(sig("sleep", {}, { into: "ms" }))))`,
  ],
  "chunks behind something": [
    'chunks of "add" have their inputs: nothing can come before them',
    `await errand.run(chain(sig("add", { a: 1, b: 2 }), chunks("add", [{ a: 1, b: 2 }], 1)))`,
  ],
  "chunks of wrong inputs": [
    'the inputs of "add" do not fit it',
    `await errand.run(chunks("add", [{ a: 1 }], 10))`,
  ],
  "chunks of an unknown definition": [
    'no definition is named "ad"',
    `await errand.run(chunks("ad", [{ a: 1 }], 10))`,
  ],
};

/** What the compiler says of each program that it does not take. */
async function errorsOf(programs: string[]): Promise<Map<string, string>> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  config.compilerOptions.noUnusedLocals = false; // No program uses all of the head.
  const sources = programs.map((program, i) => [`program${i}.ts`, `${HEAD}${program};\n`]);
  await using folder = await Folder.with({
    "deno.json": JSON.stringify(config),
    ...Object.fromEntries(sources),
  });
  const files = sources.map(([name]) => folder.at(name));
  const args = ["check", "--no-lock", "-c", folder.at("deno.json"), ...files];
  const { stdout, stderr } = await run({ args });
  const errors = (stdout + stderr).split(/^(?=TS(?!2793)\d+ \[ERROR\])/m) // TS2793 adds to another error.
    .slice(1).map((text) => {
      const at = /^ {4}at file:\S+program(\d+)\.ts/m.exec(text);
      assert.ok(at, `an error outside of the programs: ${text}`);
      return [programs[Number(at[1])], text] as const;
    });
  return new Map(errors.reverse());
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

Deno.test("a canvas that does not fit does not compile, and the compiler says why", async () => {
  const errors = await errorsOf(Object.values(MISFITS).map(([, program]) => program));
  for (const [name, [why, program]] of Object.entries(MISFITS)) {
    const said = /required in type '\{ doesNotFit: (".*"); \}'/.exec(errors.get(program) ?? "")?.[1];
    assert.equal(said && JSON.parse(said), why, `${name}: ${errors.get(program)}`);
  }
});
