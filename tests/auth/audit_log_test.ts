// The audit: written in batches, bounded whoever calls, and kept for as long as it should.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Audited, AuditLog, type AuditOptions } from "../../auth/audit_log.ts";
import { KvPort } from "../../runtime/platform/kv.ts";
import { ManualClock } from "../support/manual_clock.ts";

const CALL: Audited = {
  by: "ci",
  tenant: "",
  from: "192.0.2.1",
  action: "POST /v1/tasks",
  status: 202,
  which: "0199",
};
const STRANGER: Audited = { ...CALL, by: null, status: 401, action: "GET /v1/tasks" };

async function anAudit(options: Partial<AuditOptions> = {}) {
  const handle = await Deno.openKv(":memory:");
  const kv = new KvPort(handle);
  const clock = new ManualClock();
  const said: [string, unknown][] = [];
  const errors: string[] = [];
  const log = {
    info: (message: string, about?: unknown) => void said.push([message, about]),
    error: (message: string) => void errors.push(message),
  };
  const audit = new AuditLog({ kv, clock, log, ...options });
  return { audit, kv, clock, said, errors, [Symbol.asyncDispose]: () => kv.close() };
}

Deno.test("what was noted is written a second later, without any call, and said in the log", async () => {
  await using fixture = await anAudit();
  const { audit, clock, said } = fixture;
  audit.note(CALL);
  audit.note({ ...CALL, which: "019a" });
  assert.deepEqual(await audit.list("", 9), []);
  assert.equal(clock.timers, 1);
  clock.advance(1_000);
  await audit.flush();
  const [entry, ...others] = await audit.list("", 9);
  assert.deepEqual([entry.calls, entry.which, others], [2, ["0199", "019a"], []]);
  assert.equal(clock.timers, 0);
  const [[message, about]] = said as [string, { audit: Record<string, unknown> }][];
  assert.equal(message, 'POST /v1/tasks by the key "ci" from 192.0.2.1: 202, 2 times');
  assert.deepEqual([about.audit.by, about.audit.which], ["ci", ["0199", "019a"]]);
});

Deno.test("an entry names 500 tasks at most, and a line of the log 20; no task is left out", async () => {
  await using fixture = await anAudit();
  const names = Array.from({ length: 1_234 }, (_, i) => `task-${i}`);
  for (const which of names) fixture.audit.note({ ...CALL, which });
  await fixture.audit.flush();
  const entries = (await fixture.audit.list("", 9)).reverse();
  assert.deepEqual(entries.map(({ calls }) => calls), [500, 500, 234]);
  assert.deepEqual(entries.flatMap(({ which }) => which), names);
  const lines = fixture.said as [string, { audit: { which: string[] } }][];
  assert.deepEqual(lines.map(([, { audit }]) => audit.which), entries.map(({ which }) => which.slice(0, 20)));
});

Deno.test("strangers from 10,000 addresses, who try 10,000 times each, make few entries a second", async () => {
  await using fixture = await anAudit();
  const { audit, kv } = fixture;
  for (let i = 0; i < 10_000; i++) {
    audit.note({ ...STRANGER, from: `address ${i}`, which: "x".repeat(9_000) });
  }
  for (let i = 0; i < 10_000; i++) audit.note({ ...STRANGER, from: "address 1" });
  audit.note(CALL);
  await audit.flush();
  const entries = await audit.list("", 100);
  assert.equal(entries.length, 22);
  assert.equal(entries.reduce((sum, { calls }) => sum + calls, 0), 20_001);
  const stored = await kv.list({ prefix: ["audit"] }, { limit: 100 });
  assert.ok(JSON.stringify(stored).length < 200_000);
});

Deno.test("entries are kept for as long as is said, those of strangers for a day", async () => {
  await using fixture = await anAudit({ retentionMs: 5 * 24 * 60 * 60 * 1000 });
  const { audit, kv, clock } = fixture;
  const kept: (number | null | undefined)[] = [];
  const writeBlind = kv.writeBlind.bind(kv);
  kv.writeBlind = (writes, now) => {
    kept.push(...writes.map(({ expireAt }) => (expireAt! - clock.now()) / 3_600_000));
    return writeBlind(writes, now);
  };
  audit.note(CALL);
  audit.note(STRANGER);
  await audit.flush();
  assert.deepEqual(kept, [120, 24]);
  await using none = await anAudit({ retentionMs: 0 });
  none.audit.note(CALL);
  await none.audit.flush();
  assert.deepEqual([await none.audit.list("", 9), none.said], [[], []]);
});

Deno.test("while the database does not answer entries wait, in order and not without bound", async () => {
  await using fixture = await anAudit();
  const { audit, kv, clock, errors } = fixture;
  const writeBlind = kv.writeBlind.bind(kv);
  kv.writeBlind = () => Promise.reject(new Error("away"));
  for (let i = 0; i < 2_100; i++) {
    audit.note({ ...CALL, which: `${i}`, action: `POST /${i}` });
    if (i % 100 === 99) await audit.flush();
  }
  assert.match(errors[0], /waits for the database/);
  assert.match(errors.at(-1)!, /100 entries of the audit are lost/);
  kv.writeBlind = writeBlind;
  assert.equal(clock.timers, 1);
  clock.advance(1_000);
  await audit.flush();
  const entries = [];
  for (let page = await audit.list("", 500); page.length > 0;) {
    entries.push(...page);
    page = await audit.list("", 500, page.at(-1)!.id);
  }
  assert.deepEqual(
    entries.reverse().map(({ which: [name] }) => Number(name)),
    Array.from({ length: 2_000 }, (_, i) => 100 + i),
  );
});

Deno.test("at the stop the last entries are written, and nothing keeps the program alive", async () => {
  await using fixture = await anAudit();
  const { audit, clock } = fixture;
  audit.note(CALL);
  await audit.stop();
  audit.note(CALL);
  assert.equal(clock.timers, 0);
  assert.equal((await audit.list("", 9)).length, 1);
});
