import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Body, endsAt, submit, submitMany, taskAt } from "../chaos/calls.ts";
import { Cluster } from "../chaos/cluster.ts";
import { WORK } from "../chaos/definitions.ts";
import { eventually } from "../support/waiting.ts";

Deno.test({
  name: "while a stopped process holds the database's lock, the others answer 503, read on and lose nothing",
  // Only Linux tells who holds a lock.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using cluster = await Cluster.start({ processes: 2, leaseMs: 3_000 });
    const [holder, other] = cluster.slots;
    // Their values come while nobody can write.
    const running = await submitMany(other, 20, WORK, { ms: 5_000 });
    let going = true;
    const load = async () => {
      // The call that it was stopped in may be answered 503 too, when it goes on.
      while (going) await submit(holder, WORK, { ms: 0 }).catch(() => {});
    };
    const loads = [load(), load(), load(), load()];
    const held = await holder.stopWhile(true, cluster.database);
    going = false;
    assert.ok(held);

    const call = async () => {
      const response = await fetch(`${other.url}/v1/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "k" },
        body: JSON.stringify({ task: WORK, input: { ms: 0 } }),
      });
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        body: await response.json(),
      };
    };
    const refused = await call();
    assert.deepEqual([refused.status, refused.body.type], [503, "/problems/unavailable"]);
    assert.match(refused.retryAfter ?? "", /^\d+$/);
    assert.equal((await taskAt(other, running[0])).id, running[0]);

    holder.continue();
    await Promise.all(loads);
    const answer = await eventually(async () => {
      const answer = await call();
      return answer.status === 202 && answer;
    }, "the repeated call is not taken");
    assert.equal((await call()).body.id, answer.body.id);
    for (const task of await endsAt(other, [...running, answer.body.id])) {
      assert.deepEqual([task.state.type, task.attempt], ["COMPLETED", 1], JSON.stringify(task.history));
      // Each by one end, whether its own value was kept until it could be written or it ran again.
      assert.equal(task.history.filter((state: Body) => state.type === "COMPLETED").length, 1);
    }
  },
});
