import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { PassingMap } from "../../../runtime/core/passing_map.ts";
import { sourceFiles, textOf, withoutComments } from "../../support/imports.ts";
import { noHeapSpaces } from "../../support/heap_spaces.ts";
import { run } from "../../support/program.ts";
import { skippedIf } from "../../support/skip.ts";

Deno.test("a map of passing things is a map", () => {
  const map = new PassingMap<string, number>();
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  assert.deepEqual([...map], [["a", 3], ["b", 2]]);
  assert.deepEqual([map.get("a"), map.get("c"), map.has("b"), map.has("c")], [3, undefined, true, false]);
  assert.deepEqual([map.delete("a"), map.delete("a"), map.size], [true, false, 1]);
  assert.deepEqual([...map.keys()], ["b"]);
  assert.deepEqual([...map.values()], [2]);
});

Deno.test({
  ...skippedIf(noHeapSpaces, "garbage collections of the young free what was in a map of passing things"),
  fn: async () => {
    const module = new URL("../../../runtime/core/passing_map.ts", import.meta.url).href;
    const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    const { PassingMap } = await import(${JSON.stringify(module)});
    const young = () => gc({ type: "minor" });
    const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space").space_used_size;
    const map = new PassingMap();
    const pass = () => {
      for (let i = 0; i < 100; i++) map.set(i, Array.from({ length: 100 }, () => ({ i })));
      young();
      for (let i = 0; i < 100; i++) map.delete(i);
      young();
    };
    pass();
    gc();
    const before = old();
    for (let i = 0; i < 20; i++) pass();
    console.log(Math.round((old() - before) / 2_000));`;
    // What V8 finds out about allocations as it goes would put some of them among the old ones.
    const flags = "--v8-flags=--expose-gc,--no-allocation-site-pretenuring";
    const { stdout, stderr } = await run({ args: ["eval", "--no-lock", flags, script] });
    // About 160. In a Map about 4,000: nearly all that they have.
    assert.ok(Number(stdout) < 1_000, `${stdout} bytes of each value have become old. ${stderr}`);
    assert.match(stdout, /^\d+\n$/, stderr);
  },
});

/** Where it happens once in the life of a process, of a schema, or of a thread. */
const MADE_ONCE = [
  "routes/http/head.ts",
  "runtime/core/bounded_parse.ts",
  "runtime/core/tagged_union.ts",
  "runtime/metrics/exported_metrics.ts",
  "runtime/metrics/transition_feed.ts",
  "runtime/platform/doorbells/queue.ts",
  "runtime/platform/doorbells/watch.ts",
  "runtime/worker/runners/thread.ts",
  "runtime/worker/runners/thread_main.ts",
  "runtime/worker/worker.ts",
];

Deno.test("no function is assigned to a property for a task or a call: V8 makes it old, with all that it refers to", () => {
  const assigned = sourceFiles().filter((file) => {
    if (!/^(runtime|routes|auth|serving)\//.test(file)) return false;
    return /\b\w+[.\]](#?\w+)?\]? = (async )?(<\w+>)?(function\b|\w+ =>|\([^()=]*(=> void)?[^()=]*\)(: [^=]+)? =>)/
      .test(
        withoutComments(textOf(file)),
      );
  });
  assert.deepEqual(assigned, MADE_ONCE);
});

Deno.test({
  ...skippedIf(
    noHeapSpaces,
    "of a function in a literal or in a field V8 makes nothing old; of one that is assigned to a property it does",
  ),
  fn: async () => {
    const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space").space_used_size;
    class Field {
      #large;
      f = () => this.#large;
      constructor(large) {
        this.#large = large;
      }
    }
    const kinds = {
      literal: (large) => ({ f: () => large }),
      field: (large) => new Field(large),
      assigned: (large) => { const made = {}; made.f = () => large; return made; },
    };
    for (const [kind, make] of Object.entries(kinds)) {
      const pass = () => {
        for (let i = 0; i < 100; i++) make(Array.from({ length: 100 }, () => ({ i })));
        gc({ type: "minor" });
        gc({ type: "minor" });
      };
      pass();
      gc();
      const before = old();
      for (let i = 0; i < 20; i++) pass();
      console.log(kind, (old() - before) / 2_000 > 1_000 ? "old" : "young");
    }`;
    const flags = "--v8-flags=--expose-gc,--no-allocation-site-pretenuring";
    const { stdout, stderr } = await run({ args: ["eval", "--no-lock", flags, script] });
    assert.equal(stdout, "literal young\nfield young\nassigned old\n", stderr);
  },
});
