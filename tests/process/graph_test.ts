import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { allEvents, type Body } from "../support/service.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import { pause } from "../support/waiting.ts";

const LAYERS = 20;
const WIDTH = 50;

/** Each node adds what two nodes of the layer before it gave: layer n gives 2 ** n everywhere. */
function graph(): Record<string, Body> {
  const tasks: Record<string, Body> = {};
  for (let layer = 0; layer < LAYERS; layer++) {
    for (let i = 0; i < WIDTH; i++) {
      const of = (k: number) => ({ $task: `${layer - 1}/${k % WIDTH}` });
      const input = layer === 0 ? { a: 1, b: 0 } : { a: of(i), b: of(i + 1) };
      tasks[`${layer}/${i}`] = { task: "add", input };
    }
  }
  return tasks;
}

Deno.test("kill -9, again and again, in the midst of a graph of 1000 tasks: each one runs and is recorded once", async () => {
  await using database = await aDatabase();
  const env = { KV_PATH: database.path, LEASE_MS: "1000", CONCURRENCY: "5" };
  let groupId = "";
  let kills = 0;
  for (let done = 0; done < LAYERS * WIDTH;) {
    await using server = await Server.start(env);
    if (groupId === "") {
      const init = { method: "POST", headers: { "content-type": "application/json" } };
      const answer = await server.fetch("/v1/flows", { ...init, body: JSON.stringify({ tasks: graph() }) });
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      groupId = answer.body.groupId;
    }
    // Four times when it has come a way further, then it may end.
    const enough = kills < 4 ? done + 50 : LAYERS * WIDTH;
    const began = performance.now();
    while (done < Math.min(enough, LAYERS * WIDTH)) {
      assert.ok(performance.now() - began < 60_000, `it stands still at ${done}`);
      await pause(2);
      ({ body: { done } } = await server.fetch(`/v1/groups/${groupId}?graph=false`));
    }
    if (done < LAYERS * WIDTH) {
      await server.end("SIGKILL");
      kills++;
      continue;
    }
    const { body } = await server.fetch(`/v1/groups/${groupId}/results`);
    const expected = Array.from({ length: LAYERS * WIDTH }, (_, i) => 2 ** Math.floor(i / WIDTH));
    assert.deepEqual(body.results, expected);
    const events = await allEvents(await fetch(`${server.url}/v1/as-completed?groupId=${groupId}`));
    const ended = events.filter(({ event }) => event === "task").map(({ data }) => data);
    assert.equal(new Set(ended.map(({ id }) => id)).size, LAYERS * WIDTH);
    assert.equal(ended.length, LAYERS * WIDTH);
    assert.deepEqual([...new Set(ended.map(({ state }) => state.type))], ["COMPLETED"]);
  }
  assert.ok(kills >= 3, `it was too fast to be killed: ${kills}`);
});
