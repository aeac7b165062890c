import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys, parse, prefixes } from "../../../runtime/platform/keys.ts";
import { deleteUnder, firstOfEach, type PageOptions, pages } from "../../../runtime/platform/paging.ts";
import { aBench, type Bench } from "../../support/builders.ts";

async function put({ kv }: Bench, all: Deno.KvKey[]): Promise<void> {
  await kv.writeBlind(all.map((key) => ({ key, value: true })), 0);
}

const seqsOf = async ({ kv }: Bench, selector: Deno.KvListSelector, options: PageOptions) => {
  const found = await Array.fromAsync(pages(kv, selector, options));
  return found.map((page) => page.map(({ key }) => parse.event(key).seq));
};

Deno.test("pages() goes through all keys of a prefix once, in order, also when the last page is full", async () => {
  await using bench = await aBench();
  const prefix = prefixes.events("t");
  assert.deepEqual(await seqsOf(bench, { prefix }, { size: 2 }), []);
  await put(bench, [keys.event("s", 9), keys.event("u", 1), ...[1, 2, 3, 4].map((n) => keys.event("t", n))]);
  assert.deepEqual(await seqsOf(bench, { prefix }, { size: 2 }), [[1, 2], [3, 4]]);
  assert.deepEqual(await seqsOf(bench, { prefix }, { size: 3 }), [[1, 2, 3], [4]]);
  assert.deepEqual(await seqsOf(bench, { prefix, start: keys.event("t", 2) }, { size: 2 }), [[2, 3], [4]]);
});

Deno.test("pages() goes backwards, and larger pages follow smaller ones", async () => {
  await using bench = await aBench();
  const all = Array.from({ length: 12 }, (_, i) => i + 1);
  await put(bench, all.map((n) => keys.event("t", n)));
  const prefix = prefixes.events("t");
  assert.deepEqual((await seqsOf(bench, { prefix }, { size: 5, reverse: true })).flat(), all.toReversed());
  const grown = await seqsOf(bench, { prefix }, { size: 1, growTo: 6 });
  assert.deepEqual(grown.map((page) => page.length), [1, 4, 6, 1]);
});

Deno.test("firstOfEach() reads one key of each group, wherever it begins", async () => {
  await using bench = await aBench();
  await put(bench, [keys.lease("a", "1"), keys.lease("a", "2"), keys.lease("b", "1"), keys.lease("c", "7")]);
  const leasesOf = (key: Deno.KvKey) => prefixes.leasesOf(parse.lease(key).worker);
  const from = (start?: Deno.KvKey) =>
    Array.fromAsync(firstOfEach(bench.kv, prefixes.leases, leasesOf, start));
  assert.deepEqual(await from(), [keys.lease("a", "1"), keys.lease("b", "1"), keys.lease("c", "7")]);
  assert.deepEqual(await from(keys.lease("a", "2")), [
    keys.lease("a", "2"),
    keys.lease("b", "1"),
    keys.lease("c", "7"),
  ]);
});

Deno.test("deleteUnder() removes all keys of a prefix and no other, however many there are", async () => {
  await using bench = await aBench();
  await put(bench, Array.from({ length: 900 }, (_, i) => keys.event("t", i)));
  await put(bench, [...Array.from({ length: 300 }, (_, i) => keys.event("t", 900 + i)), keys.event("u", 1)]);
  await deleteUnder(bench.kv, prefixes.events("t"));
  assert.deepEqual((await bench.all()).map(({ key }) => key), [keys.event("u", 1)]);
});
