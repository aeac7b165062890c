// What the engine relies on in Deno KV, and the parts of it that hurt. Everything here holds on the real
// databases as on the fake one, or the simulation would prove nothing.

import assert from "node:assert/strict";
import type { Kv } from "../../runtime/platform/kv.ts";

/** In what the databases differ. */
export interface Backend {
  /** Checks that a commit may have. */
  checks: number;
  hasQueues: boolean;
}

export const EMBEDDED: Backend = { checks: 100, hasQueues: true };

/** A `denokv` server behind Deno's client. */
export const DENOKV: Backend = { checks: 10, hasQueues: false };

export interface ContractCase {
  name: string;
  run(kv: Kv, backend: Backend): Promise<void>;
}

type Range = Deno.KvListSelector & { prefix?: Deno.KvKey; start?: Deno.KvKey; end?: Deno.KvKey };

const keysOf = async (kv: Kv, selector: Range, options?: Deno.KvListOptions) =>
  (await Array.fromAsync(kv.list(selector as Deno.KvListSelector, options))).map(({ key }) => key);

/** In the order in which KV keeps them. */
const SORTED: Deno.KvKeyPart[] = [
  new Uint8Array([]),
  new Uint8Array([0]),
  new Uint8Array([1]),
  new Uint8Array([1, 0]),
  new Uint8Array([255]),
  "",
  "a",
  "a\0",
  "a\0b",
  "b",
  "z",
  "é",
  "\uffff",
  "😀",
  -(2n ** 70n),
  -300n,
  -255n,
  -1n,
  0n,
  1n,
  255n,
  256n,
  2n ** 70n,
  -Infinity,
  -1.5,
  -1,
  -0,
  0,
  1 / 1024,
  1,
  1.5,
  Number.MAX_VALUE,
  Infinity,
  NaN,
  false,
  true,
];

const rejects = (work: () => Promise<unknown>, what: RegExp) =>
  assert.rejects(async () => await work(), what);

export const CONTRACT: ContractCase[] = [
  {
    name: "a key that is not there has neither value nor version",
    async run(kv) {
      assert.deepEqual(await kv.get(["nope"]), { key: ["nope"], value: null, versionstamp: null });
    },
  },
  {
    name: "versionstamps rise as hex texts, and getMany keeps the order of the keys",
    async run(kv) {
      const stamps: string[] = [];
      for (let i = 0; i < 40; i++) stamps.push((await kv.set(["k", i % 3], i)).versionstamp);
      assert.deepEqual(stamps.toSorted(), stamps);
      assert.equal(new Set(stamps).size, 40);
      for (const stamp of stamps) assert.match(stamp, /^[0-9a-f]{20}$/);
      const found = await kv.getMany([["k", 2], ["nope"], ["k", 0], ["k", 2]]);
      assert.deepEqual(found.map(({ value }) => value), [38, null, 39, 38]);
      assert.equal(found[2].versionstamp, stamps[39]);
      assert.deepEqual(await kv.getMany([]), []);
    },
  },
  {
    name: "what is stored is a copy",
    async run(kv) {
      const bytes = new Uint8Array([1, 2, 3]);
      const value = { ids: ["a"], bytes };
      await kv.atomic().set(["v"], value).set(["b"], bytes).commit();
      value.ids.push("b");
      bytes[0] = 9;
      const read = (await kv.get<typeof value>(["v"])).value!;
      assert.deepEqual(read, { ids: ["a"], bytes: new Uint8Array([1, 2, 3]) });
      read.ids.push("c");
      assert.deepEqual((await kv.get<typeof value>(["v"])).value!.ids, ["a"]);
      assert.deepEqual((await kv.get(["b"])).value, new Uint8Array([1, 2, 3]));
    },
  },
  {
    name: "values of every kind come back as they were",
    async run(kv) {
      const values = [
        null,
        true,
        1.5,
        -0,
        12n,
        "text",
        [1, [2]],
        { a: undefined },
        new Date(5),
        new Map([[1, 2]]),
      ];
      for (const value of values) {
        await kv.set(["v"], value);
        assert.deepEqual((await kv.get(["v"])).value, value);
      }
      await rejects(() => kv.set(["v"], () => 1), /could not be cloned/);
    },
  },
  {
    name: "keys of all types stand in one order",
    async run(kv) {
      // Written in another order than they are read.
      for (const [i, part] of SORTED.entries()) if (i % 2) await kv.set(["k", part], i);
      for (const [i, part] of SORTED.entries()) if (i % 2 === 0) await kv.set(["k", part], i);
      const entries = await Array.fromAsync(kv.list<number>({ prefix: ["k"] }));
      assert.deepEqual(entries.map(({ value }) => value), SORTED.map((_, i) => i));
      assert.deepEqual(entries.map(({ key }) => key[1]), SORTED);
      const back = await Array.fromAsync(kv.list<number>({ prefix: ["k"] }, { reverse: true, limit: 3 }));
      assert.deepEqual(back.map(({ value }) => value), [
        SORTED.length - 1,
        SORTED.length - 2,
        SORTED.length - 3,
      ]);
    },
  },
  {
    name: "a prefix is no member of its own list; start is in a range and end is not",
    async run(kv) {
      for (const key of [["p"], ["p", "a"], ["p", "a", "b"], ["p", "b"], ["p", "c"], ["pp"]]) {
        await kv.set(key, 0);
      }
      assert.deepEqual(await keysOf(kv, { prefix: ["p"] }), [["p", "a"], ["p", "a", "b"], ["p", "b"], [
        "p",
        "c",
      ]]);
      assert.deepEqual(await keysOf(kv, { prefix: ["p", "a"] }), [["p", "a", "b"]]);
      assert.deepEqual(await keysOf(kv, { prefix: ["p"], start: ["p", "b"] }), [["p", "b"], ["p", "c"]]);
      assert.deepEqual(await keysOf(kv, { prefix: ["p"], end: ["p", "b"] }), [["p", "a"], ["p", "a", "b"]]);
      assert.deepEqual(await keysOf(kv, { start: ["p", "b"], end: ["pp"] }), [["p", "b"], ["p", "c"]]);
      assert.deepEqual(await keysOf(kv, { prefix: ["p"] }, { limit: 2 }), [["p", "a"], ["p", "a", "b"]]);
      assert.deepEqual(await keysOf(kv, { prefix: ["p"], end: ["p", "c"] }, { limit: 1, reverse: true }), [[
        "p",
        "b",
      ]]);
    },
  },
  {
    name: "selectors that make no sense are refused",
    async run(kv) {
      await rejects(() => keysOf(kv, { prefix: ["p"], start: ["a"] }), /not in the keyspace/);
      await rejects(() => keysOf(kv, { start: ["z"], end: ["a"] }), /greater than end/);
      await rejects(
        () => keysOf(kv, { prefix: ["p"], start: ["p", 1], end: ["p", 2] }),
        /both 'start' and 'end'/,
      );
      await rejects(() => keysOf(kv, { prefix: ["p"] }, { limit: 0 }), /must be (a )?positive/);
      await rejects(() => keysOf(kv, { prefix: ["p"] }, { batchSize: 1_001 }), /Too many entries/);
    },
  },
  {
    name: "the batches of a list are not one snapshot",
    async run(kv) {
      for (let i = 0; i < 6; i++) await kv.set(["b", i], 0);
      const seen: unknown[] = [];
      for await (const { key, value } of kv.list({ prefix: ["b"] }, { batchSize: 2 })) {
        seen.push([key[1], value]);
        if (seen.length > 1) continue;
        await kv.atomic().set(["b", 1], 1).set(["b", 4], 1).delete(["b", 5]).commit();
      }
      assert.deepEqual(seen, [[0, 0], [1, 0], [2, 0], [3, 0], [4, 1]]);
    },
  },
  {
    name: "a commit is applied whole or not at all, and checks null as absence",
    async run(kv) {
      const first = await kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 1).commit();
      assert.ok(first.ok);
      const again = await kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 2).set(["b"], 2)
        .commit();
      assert.deepEqual(again, { ok: false });
      assert.deepEqual((await kv.getMany([["a"], ["b"]])).map(({ value }) => value), [1, null]);
      const { versionstamp } = first;
      const next = await kv.atomic().check({ key: ["a"], versionstamp }).delete(["a"]).set(["b"], 3).commit();
      assert.ok(next.ok && next.versionstamp > versionstamp);
      // Nothing is left of a deleted key: "never there" and "there and gone" are the same.
      assert.ok((await kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 4).commit()).ok);
      assert.deepEqual(await kv.atomic().check({ key: ["a"], versionstamp }).commit(), { ok: false });
      await rejects(() => kv.atomic().check({ key: ["a"], versionstamp: "zz" }).commit(), /Invalid check/);
    },
  },
  {
    name: "all keys of a commit get one version; a commit without mutations has one too",
    async run(kv) {
      const result = await kv.atomic().set(["a"], 1).set(["b"], 2).commit();
      assert.ok(result.ok);
      for (const { versionstamp } of await kv.getMany([["a"], ["b"]])) {
        assert.equal(versionstamp, result.versionstamp);
      }
      assert.ok((await kv.atomic().commit()).ok);
      assert.ok((await kv.atomic().check({ key: ["c"], versionstamp: null }).commit()).ok);
      const set = await kv.set(["a"], 1);
      assert.ok(set.versionstamp > result.versionstamp, "setting the same value makes a new version");
    },
  },
  {
    name: "of several mutations of one key in a commit the last one counts",
    async run(kv) {
      await kv.atomic().set(["d"], 1).set(["d"], 2).commit();
      assert.equal((await kv.get(["d"])).value, 2);
      await kv.atomic().delete(["d"]).set(["d"], 3).commit();
      assert.equal((await kv.get(["d"])).value, 3);
      await kv.atomic().set(["d"], 4).delete(["d"]).commit();
      assert.equal((await kv.get(["d"])).versionstamp, null);
      await kv.delete(["d"]);
    },
  },
  {
    name: "an atomic operation may be committed again, checks and all",
    async run(kv) {
      const blind = kv.atomic().set(["t"], 1);
      assert.ok((await blind.commit()).ok && (await blind.commit()).ok);
      const checked = kv.atomic().check({ key: ["u"], versionstamp: null }).set(["u"], 1);
      assert.ok((await checked.commit()).ok);
      assert.deepEqual(await checked.commit(), { ok: false });
    },
  },
  {
    name: "sum, min and max work on 64 bits, and on nothing else",
    async run(kv) {
      const value = async () => (await kv.get<Deno.KvU64>(["s"])).value!.value;
      await kv.atomic().sum(["s"], 5n).commit();
      await kv.atomic().sum(["s"], 3n).commit();
      assert.equal(await value(), 8n);
      await kv.atomic().max(["s"], 5n).commit();
      assert.equal(await value(), 8n);
      await kv.atomic().min(["s"], 3n).commit();
      assert.equal(await value(), 3n);
      await kv.atomic().sum(["s"], 2n ** 64n - 1n).commit();
      assert.equal(await value(), 2n);
      await kv.set(["s"], 5n);
      await rejects(() => kv.atomic().sum(["s"], 1n).commit(), /non-U64/);
    },
  },
  {
    name: "what has expired is still there for a while",
    async run(kv) {
      await kv.set(["e"], 1, { expireIn: 1 });
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal((await kv.get(["e"])).value, 1);
      assert.deepEqual(await keysOf(kv, { prefix: [] }), [["e"]]);
      // A later write without `expireIn` keeps it.
      await kv.set(["e"], 2);
      assert.ok((await kv.set(["f"], 1, { expireIn: 0 })).ok);
      // Earlier releases take what later ones refuse.
      const [major, minor] = Deno.version.deno.split(".").map(Number);
      if (major === 2 && minor < 9) return;
      for (const expireIn of [0.5, -1]) {
        await rejects(() => kv.set(["f"], 1, { expireIn }), /expireIn must be a non-negative integer/);
      }
    },
  },
  {
    name: "every limit is an error, and nothing of a commit over it is applied",
    async run(kv, { checks }) {
      const many = (count: number, add: (atomic: Deno.AtomicOperation, i: number) => void) => {
        const atomic = kv.atomic();
        for (let i = 0; i < count; i++) add(atomic, i);
        return atomic.commit();
      };
      const check = (atomic: Deno.AtomicOperation, i: number) =>
        atomic.check({ key: ["c", i], versionstamp: null });
      assert.ok((await many(checks, check)).ok);
      // Refused before any is looked at: this one would fail.
      const late = (atomic: Deno.AtomicOperation, i: number) =>
        atomic.check({ key: ["c", i], versionstamp: "ff".repeat(10) }).set(["c", i], 0);
      assert.deepEqual(await many(checks, late), { ok: false });
      await rejects(() => many(checks + 1, late), /Too many checks/);
      await rejects(
        () => many(1_001, (atomic, i) => atomic.set(["m", i], 0)),
        /Too many mutations \(max 1000\)/,
      );
      assert.ok((await many(1_000, (atomic, i) => atomic.set(["m", i], 0))).ok);
      const sized = (bytes: number) => (atomic: Deno.AtomicOperation, i: number) =>
        atomic.set(["n", i], new Uint8Array(bytes));
      assert.ok((await many(12, sized(65_000))).ok);
      await rejects(() => many(13, sized(63_500)), /Total mutation size too large/);
      const long = "x".repeat(100);
      await rejects(() => many(900, (atomic, i) => atomic.set([long, i], 0)), /Total key size too large/);
      assert.deepEqual(await keysOf(kv, { prefix: [long] }), []);
      await rejects(() => kv.getMany(Array.from({ length: 11 }, (_, i) => ["c", i])), /Too many ranges/);
    },
  },
  {
    name: "keys of 2048 bytes and values of 65,536 are the largest",
    async run(kv, { hasQueues }) {
      assert.ok((await kv.set(["x".repeat(2_046)], 1)).ok);
      await rejects(() => kv.set(["x".repeat(2_047)], 1), /Key too large for write/);
      await rejects(() => kv.get(["x".repeat(2_047)]), /Key too large for read/);
      await rejects(() => kv.set(["é".repeat(1_024)], 1), /Key too large for write/);
      await rejects(async () => await kv.set([], 1), /key cannot be empty/);
      assert.ok((await kv.set(["v"], new Uint8Array(65_536))).ok);
      await rejects(() => kv.set(["v"], new Uint8Array(65_537)), /Value too large/);
      assert.ok((await kv.set(["v"], "x".repeat(65_500))).ok);
      await rejects(() => kv.set(["v"], "x".repeat(65_536)), /Value too large/);
      await rejects(
        async () => await kv.enqueue("x".repeat(65_600)),
        hasQueues ? /payload too large/ : /payload too large|not supported/,
      );
    },
  },
  {
    name:
      "a message travels with its commit, and not with one that is refused; without queues it is an error",
    async run(kv, { hasQueues }) {
      const got: unknown[] = [];
      const never = { key: ["n"], versionstamp: "ff".repeat(10) };
      if (!hasQueues) {
        // So whoever asks with one that is refused anyway learns whether there are queues, and leaves nothing
        // behind.
        await rejects(() => kv.atomic().check(never).enqueue("refused").commit(), /not supported/);
        await rejects(() => kv.atomic().set(["q"], 1).enqueue("with a commit").commit(), /not supported/);
        assert.equal((await kv.get(["q"])).versionstamp, null);
        return;
      }
      const listening = kv.listenQueue((value) => void got.push(value));
      assert.deepEqual(await kv.atomic().check(never).enqueue("refused").commit(), { ok: false });
      await kv.atomic().set(["q"], 1).enqueue("with a commit").commit();
      await kv.enqueue("later", { delay: 200 });
      const until = performance.now() + 5_000;
      while (got.length < 2 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.deepEqual(got, ["with a commit", "later"]);
      await rejects(async () => await kv.enqueue("x", { delay: -1 }), /Delay must be/);
      await rejects(async () => await kv.enqueue("x", { delay: 31 * 86_400_000 }), /30 days/);
      await kv.close();
      await listening;
    },
  },
  {
    name: "a closed handle answers no more",
    async run(kv) {
      await kv.close();
      await assert.rejects(async () => await kv.get(["a"]), Deno.errors.BadResource);
      await assert.rejects(async () => await kv.atomic().set(["a"], 1).commit(), Deno.errors.BadResource);
      await assert.rejects(
        async () => await Array.fromAsync(kv.list({ prefix: [] })),
        Deno.errors.BadResource,
      );
    },
  },
];
