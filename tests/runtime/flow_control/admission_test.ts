import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { keys } from "../../support/builders.ts";
import { Gates } from "../../support/gates.ts";
import { aService, type Service } from "../../support/service.ts";

/** Of the commit that has written the task last. */
async function commitOf({ kv }: Service, id: string): Promise<string> {
  return (await kv.get(keys.task(id))).versionstamp!;
}

Deno.test("the commit that ends a task starts the next one of its key", async () => {
  const gates = new Gates();
  await using service = await aService({ definitions: [gates.definition] });
  const ids = await gates.submit(service, 12, { concurrency: { key: "k", limit: 2 } });
  for (const id of ids.slice(0, 2)) await service.until(id, "RUNNING");
  let together = 0;
  for (const [i, id] of ids.slice(0, 10).entries()) {
    gates.open(id);
    await service.until(ids[i + 2], "RUNNING");
    if (await commitOf(service, ids[i + 2]) === await commitOf(service, id)) together++;
  }
  // Where a look for tasks is under way just then, the one that is let in is claimed after it.
  assert.ok(together > 0, "each start took a commit of its own");
  for (const id of ids.slice(10)) gates.open(id);
});
