import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { GroupCommit } from "../../../runtime/store/group_commit.ts";
import { type Cost } from "../../../runtime/store/commit_load.ts";
import type { KvLimits } from "../../../runtime/platform/kv.ts";
import { turn } from "../../support/waiting.ts";

interface Item {
  name: string;
  cost: Cost;
}

const ROOMY: KvLimits = { checks: 1_000, mutations: 1e6, bytes: 1e6, keyBytes: 1e6, flights: 1 };

function anItem(name: string, cost: Partial<Cost> = {}): Item {
  return {
    name,
    cost: { checks: 1, shared: [], mutations: 1, bytes: 1, keyBytes: 1, listed: [], owns: [name], ...cost },
  };
}

/** A group commit whose commits are held until the test lets them go. */
function held(limits: Partial<KvLimits> = {}, lines = 1) {
  const batches: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const lane = new GroupCommit<Item, string>(
    async (items) => {
      batches.push(items.map(({ name }) => name));
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return items.map(({ name }) => `${name}!`);
    },
    { ...ROOMY, ...limits },
    lines,
  );
  return { lane, batches, gates };
}

/** Like `held`, but every commit goes through at once. */
async function batchesOf(items: Item[], limits: Partial<KvLimits> = {}): Promise<string[][]> {
  const batches: string[][] = [];
  const lane = new GroupCommit<Item, string>((batch) => {
    batches.push(batch.map(({ name }) => name));
    return Promise.resolve(batch.map(({ name }) => name));
  }, { ...ROOMY, ...limits });
  const outcomes = await Promise.all(items.map((item) => lane.add(item)));
  assert.deepEqual(outcomes, items.map(({ name }) => name), "each gets its own outcome");
  return batches;
}

const five = (cost: Partial<Cost>) => ["a", "b", "c", "d", "e"].map((name) => anItem(name, cost));

Deno.test("what is added in one breath goes into one commit", async () => {
  assert.deepEqual(await batchesOf(five({})), [["a", "b", "c", "d", "e"]]);
});

Deno.test("while one commit is under way the next one fills", async () => {
  const { lane, batches, gates } = held();
  const first = lane.add(anItem("a"));
  await turn();
  const rest = ["b", "c", "d"].map((name) => lane.add(anItem(name)));
  await turn();
  assert.deepEqual(batches, [["a"]]);
  gates[0].resolve();
  assert.equal(await first, "a!");
  await turn();
  assert.deepEqual(batches, [["a"], ["b", "c", "d"]]);
  gates[1].resolve();
  assert.deepEqual(await Promise.all(rest), ["b!", "c!", "d!"]);
});

for (const limit of ["checks", "mutations", "bytes", "keyBytes"] as const) {
  Deno.test(`a commit takes no more ${limit} than its limit`, async () => {
    assert.deepEqual(await batchesOf(five({ [limit]: 10 }), { [limit]: 20 }), [["a", "b"], ["c", "d"], [
      "e",
    ]]);
  });

  Deno.test(`an item over the limit of ${limit} is refused, and those beside it are not`, async () => {
    const lane = new GroupCommit<Item, string>(
      (batch) => Promise.resolve(batch.map(({ name }) => name)),
      { ...ROOMY, [limit]: 20 },
    );
    const items = [anItem("a"), anItem("b", { [limit]: 99 }), anItem("c")];
    const [a, b, c] = await Promise.allSettled(items.map((item) => lane.add(item)));
    assert.deepEqual([a.status, b.status, c.status], ["fulfilled", "rejected", "fulfilled"]);
    assert.ok((b as PromiseRejectedResult).reason instanceof RangeError);
  });
}

Deno.test("shared checks count once a commit", async () => {
  const same = five({ checks: 0, shared: ["g"] });
  assert.deepEqual(await batchesOf(same, { checks: 1 }), [["a", "b", "c", "d", "e"]]);
  const own = ["a", "b", "c"].map((name) => anItem(name, { checks: 0, shared: [name] }));
  assert.deepEqual(await batchesOf(own, { checks: 2 }), [["a", "b"], ["c"]]);
});

Deno.test("two steps of one record never share a commit, and stay in order", async () => {
  const items = [anItem("a1", { owns: ["a"] }), anItem("b"), anItem("a2", { owns: ["x", "a"] }), anItem("c")];
  assert.deepEqual(await batchesOf(items), [["a1", "b", "c"], ["a2"]]);
});

Deno.test("several commits are under way at once, those beside the first only when they are full", async () => {
  const { lane, batches, gates } = held({ checks: 2, flights: 3 });
  const added: Promise<string>[] = [];
  const add = async (...items: Item[]) => {
    for (const item of items) added.push(lane.add(item));
    await turn();
  };
  await add(anItem("a"));
  await add(anItem("b"));
  assert.deepEqual(batches, [["a"]], "b waits for company, or for the first one's end");
  await add(anItem("c"), anItem("d"), anItem("e"), anItem("f"), anItem("g"), anItem("h"));
  assert.deepEqual(batches, [["a"], ["b", "c"], ["d", "e"]]);
  gates[1].resolve();
  await turn();
  assert.deepEqual(batches.slice(3), [["f", "g"]]);
  for (const gate of [gates[0], gates[2], gates[3]]) gate.resolve();
  await turn();
  assert.deepEqual(batches.slice(4), [["h"]]);
  gates[4].resolve();
  assert.deepEqual(await Promise.all(added), ["a!", "b!", "c!", "d!", "e!", "f!", "g!", "h!"]);
});

Deno.test("in a hurry commits beside the first one leave before they are full, as many as may", async () => {
  const { lane, batches, gates } = held({ checks: 10, flights: 3 });
  const added: Promise<string>[] = [];
  const add = async (item: Item) => {
    added.push(lane.add(item));
    await turn();
  };
  await add(anItem("a"));
  await add(anItem("b"));
  assert.deepEqual(batches, [["a"]]);
  lane.hurry();
  assert.deepEqual(batches, [["a"], ["b"]], "also what waits already");
  await add(anItem("a2", { owns: ["a"] }));
  assert.equal(batches.length, 2, "changes of one record keep their order");
  await add(anItem("c"));
  await add(anItem("d"));
  assert.deepEqual(batches.slice(2), [["c"]]);
  for (const gate of gates) gate.resolve();
  await turn();
  for (const gate of gates) gate.resolve();
  await Promise.all(added);
  assert.deepEqual(batches.slice(3).flat().sort(), ["a2", "d"]);
});

Deno.test("commits that are under way at once have no record and no shared check in common", async () => {
  const { lane, batches, gates } = held({ checks: 3, flights: 4 });
  const grouped = (name: string, group: string) => anItem(name, { shared: [group] });
  const added = [
    grouped("a", "g"),
    grouped("b", "g"),
    grouped("c", "g"),
    anItem("a2", { owns: ["a"] }),
    grouped("d", "h"),
    anItem("a3", { owns: ["a"] }),
    anItem("e"),
    anItem("f"),
    anItem("i"),
  ].map((item) => lane.add(item));
  await turn();
  assert.deepEqual(
    batches,
    [["a", "b"], ["d", "e"]],
    "the last of the first commit is checked with its group",
  );
  gates[0].resolve();
  await turn();
  assert.deepEqual(batches.slice(2), [["c", "a2"]]);
  gates[1].resolve();
  await turn();
  assert.deepEqual(batches.slice(3), [], "what is left does not fill a commit");
  for (let at = 2; at < 9; at++) {
    gates[at]?.resolve();
    await turn();
  }
  assert.deepEqual(batches.flat().filter((name) => name.startsWith("a")), ["a", "a2", "a3"]);
  assert.equal((await Promise.all(added)).length, 9);
});

Deno.test("a failing commit rejects its own batch and no other", async () => {
  let commits = 0;
  const lane = new GroupCommit<Item, string>((items) => {
    if (++commits === 1) throw new Error("the disk is full");
    return Promise.resolve(items.map(({ name }) => name));
  }, { ...ROOMY, mutations: 2 });
  const outcomes = await Promise.allSettled(five({}).map((item) => lane.add(item)));
  assert.deepEqual(outcomes.map(({ status }) => status === "fulfilled"), [false, false, true, true, true]);
  assert.equal(await lane.add(anItem("f")), "f");
});

Deno.test("idle() resolves once everything added so far is committed", async () => {
  const { lane, gates } = held();
  await lane.idle();
  const added = lane.add(anItem("a"));
  let idle = false;
  const waiting = lane.idle().then(() => idle = true);
  await turn();
  assert.equal(idle, false);
  gates[0].resolve();
  await Promise.all([added, waiting]);
});

Deno.test("lines take turns: of a burst in one, the others wait for no more than the commit under way", async () => {
  const batches: string[][] = [];
  const commits = new GroupCommit<Item, string>(
    (batch) => {
      batches.push(batch.map(({ name }) => name));
      return Promise.resolve(batch.map(({ name }) => name));
    },
    { ...ROOMY, mutations: 4 },
    2,
  );
  const burst = Array.from({ length: 10 }, (_, i) => commits.add(anItem(`s${i}`), 0));
  await Promise.all([...burst, commits.add(anItem("e0"), 1), commits.add(anItem("e1"), 1)]);
  assert.deepEqual(batches[0], ["s0", "e0", "s1", "e1"]);
  assert.deepEqual(batches.flat().filter((name) => name.startsWith("s")), burst.map((_, i) => `s${i}`));
});

Deno.test("changes of one record keep their order also where they come by two lines", async () => {
  const { lane, batches, gates } = held({}, 2);
  const all = [lane.add(anItem("x1", { owns: ["x"] }), 0), lane.add(anItem("x2", { owns: ["x"] }), 1)];
  await turn();
  all.push(lane.add(anItem("y"), 0));
  gates[0].resolve();
  await turn();
  assert.deepEqual(batches, [["x1"], ["y", "x2"]]);
  gates[1].resolve();
  await Promise.all(all);
});
