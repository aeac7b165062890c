import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { NewerRecordError } from "../../../runtime/core/errors.ts";
import { RELEASE } from "../../../runtime/core/release.ts";
import type { Stored, TaskRecord } from "../../../runtime/core/task.ts";
import { decode, encode, RECORD_VERSION, upgraded } from "../../../runtime/store/record_codec.ts";
import { aBench, aDraft, keys } from "../../support/builders.ts";
import { aService } from "../../support/service.ts";

Deno.test("a record comes back as it was stored, whatever its texts hold", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.jsonValue(), (text, value) => {
    const record = aDraft({ tags: [text], input: { json: JSON.stringify(value) } });
    assert.deepEqual(decode(encode(record)), record);
  }));
});

Deno.test("a tombstone comes back as it was stored", () => {
  const tombstone = { id: "a", op: "b", rev: 3, forgottenAt: 4 };
  assert.deepEqual(decode(encode(tombstone)), tombstone);
});

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const newer = (patch = {}) => bytesOf({ ...aDraft({ id: "a" }), v: RECORD_VERSION + 1, ...patch });

Deno.test("a record says its version and its release where it is stored, and nowhere else", async () => {
  await using bench = await aBench();
  const [{ record: { id } }] = await bench.submit({});
  const stamp = async () => {
    const { value } = await bench.kv.get<Uint8Array>(keys.task(id));
    const { v, by } = JSON.parse(new TextDecoder().decode(value!));
    return [v, by];
  };
  assert.deepEqual(await stamp(), [1, RELEASE]);
  assert.equal("v" in await bench.record(id), false);
  await bench.store.update("settle", id, () => ({ next: { id, op: "", rev: 1, forgottenAt: 1 } }));
  assert.deepEqual(await stamp(), [1, RELEASE]);
});

Deno.test("a task of the default queue is stored as older releases know it, and one of another says that they do not", () => {
  const versionOf = (record: TaskRecord) => JSON.parse(new TextDecoder().decode(encode(record))).v;
  assert.equal(versionOf(aDraft()), 1);
  const named = aDraft({ queue: "gpu" });
  assert.equal(versionOf(named), 2);
  assert.deepEqual(decode(encode(named)), named);
});

Deno.test("a task with a limit is stored without what it has not, and read with it", () => {
  const limits = [{ key: "gpu", limit: 3 }];
  const record = aDraft({ limits });
  const stored = JSON.parse(new TextDecoder().decode(encode(record)));
  assert.deepEqual(Object.keys(stored).filter((field) => stored[field] === null), []);
  const running = aDraft({
    limits,
    lease: { worker: "w", token: "t" },
    startedAt: 5,
    result: { json: "null" },
  });
  for (const one of [record, running]) {
    assert.deepEqual(decode(encode(one)), one);
    // By another release, and by one that has stored the nulls.
    const other = { ...JSON.parse(new TextDecoder().decode(encode(one))), by: "0.3.9" };
    assert.deepEqual(decode(bytesOf(other)), one);
    for (const by of [RELEASE, "0.3.9"]) assert.deepEqual(decode(bytesOf({ v: 2, by, ...one })), one);
  }
});

Deno.test("records of release 0.1, which say no version, and of others with the same version are read", () => {
  const record = aDraft();
  assert.deepEqual(decode(bytesOf(record)), { ...record, failureRetentionMs: record.retentionMs });
  assert.deepEqual(decode(bytesOf({ v: RECORD_VERSION, by: "0.2.9", ...record })), record);
  assert.deepEqual(decode(bytesOf({ ...record, v: RECORD_VERSION, by: RELEASE })), record);
});

Deno.test("an older record goes through every upgrade that it needs, in order", () => {
  const tagged = (tag: string) => (stored: Stored) => ({
    ...stored,
    tags: [...(stored as TaskRecord).tags, tag],
  });
  const upgrades = [tagged("to 2"), tagged("to 3"), tagged("to 4")];
  const tagsOf = (v?: number) => (upgraded({ ...aDraft(), v }, upgrades) as TaskRecord).tags;
  assert.deepEqual(tagsOf(undefined), ["to 2", "to 3", "to 4"]);
  assert.deepEqual(tagsOf(1), ["to 2", "to 3", "to 4"]);
  assert.deepEqual(tagsOf(3), ["to 4"]);
  assert.deepEqual(tagsOf(4), []);
  assert.throws(() => tagsOf(5), NewerRecordError);
});

Deno.test("a newer record is refused with the release that wrote it, and what to do", () => {
  assert.throws(() => decode(newer({ by: "0.9.3" })), {
    name: "NewerRecordError",
    message:
      `task a was written by Errand 0.9.3 (record version ${
        RECORD_VERSION + 1
      }); this is Errand ${RELEASE}, ` +
      `which reads record versions up to ${RECORD_VERSION}: run Errand 0.9.3 or a later one on this database`,
  });
  assert.throws(
    () => decode(newer()),
    /task a was written by a newer Errand \(.*: run a newer Errand or a later/,
  );
});

Deno.test("a small task with its key fits what SQLite keeps of a row in its page, with room for longer counters", async () => {
  await using service = await aService();
  const key = "customer/12345678";
  for (
    const options of [
      {},
      { queue: "mail" },
      { concurrency: { key, limit: 100 } },
      { rateLimit: { key, limit: 100_000, periodMs: 60_000, burst: 100_000 } },
      { fairness: { key } },
    ]
  ) {
    const { id } = await service.run("add", { a: 49_999, b: 2 }, options);
    const { value } = await service.kv.get<Uint8Array>(keys.task(id));
    // Of 1,002 bytes the key takes 44, and the row's other columns and its header up to 20.
    const room = 1_002 - 44 - 20 - value!.byteLength;
    const said = `${JSON.stringify(options)}: ${value!.byteLength} bytes`;
    assert.ok(room >= 12, `${said} leave ${room} for longer counters in op and ops`);
  }
});

Deno.test("the release is the one that deno.json and the client's package say", async () => {
  for (const file of ["deno.json", "client/npm/package.json"]) {
    const text = await Deno.readTextFile(new URL(`../../../${file}`, import.meta.url));
    assert.equal(JSON.parse(text).version, RELEASE, file);
  }
});
