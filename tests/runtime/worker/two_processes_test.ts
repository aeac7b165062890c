import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { define } from "../../../runtime/core/define.ts";
import { Folder } from "../../support/folder.ts";
import { openPatientKv } from "../../support/patient_kv.ts";
import { createRuntime, type Runtime } from "../../../runtime/mod.ts";

const flaky = define({
  name: "flaky",
  input: z.object({ n: z.number() }),
  retry: { maxAttempts: 5, delayMs: 100, factor: 1 },
}, ({ attempt, input }) => {
  if (attempt < 5) throw new Error("not yet");
  return input.n;
});

/** Two runtimes with handles of their own on one file, in place of two processes. */
async function twoRuntimes(work: (runtimes: Runtime[]) => Promise<void>): Promise<void> {
  await using folder = await Folder.with();
  const ports = [await openPatientKv(folder.at("kv")), await openPatientKv(folder.at("kv"))];
  const runtimes = await Promise.all(
    ports.map((kv) => createRuntime({ kv, definitions: [flaky], concurrency: 20, sweepMs: 50 })),
  );
  try {
    for (const runtime of runtimes) await runtime.start();
    await work(runtimes);
  } finally {
    for (const runtime of runtimes) await runtime.stop(500);
    for (const kv of ports) await kv.close();
  }
}

Deno.test("tasks that two processes fail, retry and hand to each other are never left without a driver", async () => {
  await twoRuntimes(async (runtimes) => {
    const submissions = Array.from({ length: 300 }, (_, n) => ({ task: "flaky", input: { n } }));
    const calls = submissions.map((submission, i) => {
      return runtimes[i % 2].submit({ batch: { submissions: [submission], pointerOf: (_, part) => part } });
    });
    const ids = (await Promise.all(calls)).flatMap(({ entries }) => entries.map(({ record }) => record.id));
    const { done, notDone } = await runtimes[0].wait(ids, "ALL_COMPLETED", 20_000);
    assert.deepEqual(notDone.map(({ record }) => record.history.at(-1)), []);
    for (const { record } of done) {
      assert.equal(record.history.at(-1)!.type, "COMPLETED");
      assert.equal(record.attempt, 5);
    }
  });
});
