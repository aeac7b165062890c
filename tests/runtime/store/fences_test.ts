import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { submitted } from "../../../runtime/core/transitions.ts";
import { aBench, aDraft } from "../../support/builders.ts";
import { FaultyKv } from "../../support/faulty_kv.ts";

Deno.test("a task whose id was fenced off for another of its commit is stored, also if the fence had no answer", async () => {
  const faulty = new FaultyKv();
  await using bench = await aBench({ wrap: faulty.wrap });
  const { store, clock, kv, ids } = bench;
  const aNew = () => {
    const now = clock.now();
    return [{ before: null, next: submitted(aDraft({ id: ids.id() }), now) }];
  };
  const taken = ["taken"];
  // Both in one commit, which comes late; the first one's id stands for both.
  faulty.next.push("late");
  faulty.meanwhile = async () => {
    faulty.meanwhile = () => Promise.resolve();
    await kv.writeBlind([{ key: taken, value: 1 }], 0);
    faulty.next.push("applied, throws");
  };
  const checks = [{ key: taken, versionstamp: null }];
  const [mine, refused] = await clock.run(Promise.all([
    store.commit("submit", aNew(), { fresh: true }),
    store.commit("submit", aNew(), { fresh: true, checks }),
  ]));
  assert.equal(refused, null);
  assert.deepEqual(faulty.next, []);
  assert.equal((await bench.record(mine![0].record.id)).rev, 1);
  assert.equal((await faulty.late[0]()).ok, false);
});
