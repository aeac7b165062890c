import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { RELEASE } from "../../../runtime/core/release.ts";
import { silentLog } from "../../../runtime/platform/log.ts";
import { createRuntime } from "../../../runtime/runtime.ts";
import { adoptFormat, FORMAT_VERSION } from "../../../runtime/store/format.ts";
import { aBench, type Bench, keys } from "../../support/builders.ts";

const runtimeOn = ({ kv, clock }: Bench) =>
  createRuntime({ kv, clock, definitions: [], doorbells: { queue: false } });

Deno.test("a start says in the database which format it has, and which release said so first", async () => {
  await using bench = await aBench();
  const runtime = await runtimeOn(bench);
  assert.equal((await bench.kv.get(keys.format)).value, null);
  await runtime.start();
  const said = await bench.kv.get(keys.format);
  assert.deepEqual(said.value, { version: FORMAT_VERSION, release: RELEASE });
  await adoptFormat(bench.kv, bench.clock, silentLog, () => false);
  assert.equal((await bench.kv.get(keys.format)).versionstamp, said.versionstamp);
  await bench.clock.run(runtime.stop(0));
});

Deno.test("a database of a newer format is refused before anything is written into it", async () => {
  await using bench = await aBench();
  const format = { version: FORMAT_VERSION + 1, release: "0.9.3" };
  await bench.kv.writeBlind([{ key: keys.format, value: format }], 0);
  const before = await bench.all();
  await assert.rejects(runtimeOn(bench), {
    name: "NewerFormatError",
    message:
      `the database was written by Errand 0.9.3 (format ${
        FORMAT_VERSION + 1
      }); this is Errand ${RELEASE}, which ` +
      `reads formats up to ${FORMAT_VERSION}: run Errand 0.9.3 or a later one on it, or restore a backup from before it`,
  });
  assert.deepEqual(await bench.all(), before);
});

Deno.test("a database that became newer since the runtime was made is refused at the start", async () => {
  await using bench = await aBench();
  const runtime = await runtimeOn(bench);
  const format = { version: FORMAT_VERSION + 1, release: "0.9.3" };
  await bench.kv.writeBlind([{ key: keys.format, value: format }], 0);
  await assert.rejects(runtime.start(), { name: "NewerFormatError" });
  await bench.clock.run(runtime.stop(0));
});
