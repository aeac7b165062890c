import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { FailedAttempts } from "../../../auth/failed_attempts.ts";
import { TrustedProxies } from "../../../auth/trusted_proxies.ts";
import type { Arrival } from "../../../routes/http/prefix.ts";
import { aKey } from "../../support/api_keys.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { aService, type Service } from "../../support/service.ts";

/** A call that comes over a connection from this address. */
async function from(service: Service, address: string, headers: Record<string, string>): Promise<Response> {
  const env: Arrival = { connection: { address, close: () => {}, closeSoon: () => {} } };
  const answer = await service.app.request("/v1/tasks", { headers }, env);
  await answer.body?.cancel();
  return answer;
}

const wrong = { authorization: "Bearer errand_no-such-secret" };

Deno.test("a source of many wrong keys is told to wait; right keys, others and who shows none are not", async () => {
  const caller = aKey(["read"]);
  await using service = await aService({ running: false, apiKeys: [caller.key] });
  for (let i = 0; i < 20; i++) assert.equal((await from(service, "203.0.113.7", wrong)).status, 401);
  const late = await from(service, "203.0.113.7", wrong);
  assert.equal(late.status, 429);
  const retryAfter = Number(late.headers.get("retry-after"));
  assert.ok(retryAfter > 0 && retryAfter <= 60, `${retryAfter}`);
  assert.equal((await from(service, "203.0.113.7", caller.headers)).status, 200);
  assert.equal((await from(service, "203.0.113.7", {})).status, 401);
  assert.equal((await from(service, "203.0.113.8", wrong)).status, 401);
});

Deno.test("behind a proxy that is trusted the caller is the source, and behind another the proxy is", async () => {
  const caller = aKey(["read"]);
  for (const text of ["10.0.0.1", "10.9.9.9"]) {
    const trustedProxies = TrustedProxies.parse(text) as TrustedProxies;
    await using service = await aService({ running: false, apiKeys: [caller.key], trustedProxies });
    const by = (address: string) => from(service, "10.0.0.1", { ...wrong, "x-forwarded-for": address });
    for (let i = 0; i < 20; i++) await by("203.0.113.7");
    assert.equal((await by("203.0.113.7")).status, 429);
    assert.equal((await by("203.0.113.8")).status, text === "10.0.0.1" ? 401 : 429);
  }
});

Deno.test("failures are forgotten after a minute, the log names a source once, and not all sources are kept", () => {
  const clock = new ManualClock();
  const infos: string[] = [];
  const attempts = new FailedAttempts(clock, {
    info: (text) => infos.push(text),
    error: () => assert.fail(),
  });
  const failures = Array.from({ length: 25 }, () => attempts.add("a"));
  assert.deepEqual(failures.map(({ waitMs }) => waitMs > 0), failures.map((_, i) => i >= 20));
  assert.deepEqual(failures.map(({ isAgain }) => isAgain), failures.map((_, i) => i >= 21));
  assert.deepEqual(infos, [
    "a has shown 21 wrong keys, tickets or sessions within a minute: it is told to wait",
  ]);
  clock.advance(59_999);
  assert.equal(attempts.add("a").waitMs, 1);
  clock.advance(5);
  assert.equal(attempts.add("a").waitMs, 0);
  for (let i = 0; i < 30; i++) attempts.add("b");
  for (let i = 0; i < 12_500; i++) attempts.add(`source ${i}`);
  assert.equal(attempts.add("b").waitMs, 0, "the oldest is forgotten");
});

Deno.test("a thousand wrong keys or forged cookies are told to wait, and are in the audit 21 times; right keys are let in", async () => {
  const boss = aKey(["admin"], "boss");
  for (const shown of [wrong, { cookie: `errand_session=${crypto.randomUUID()}.${"x".repeat(80)}` }]) {
    await using service = await aService({ running: false, apiKeys: [boss.key] });
    const statuses = new Map<number, number>();
    for (let i = 0; i < 1_000; i++) {
      const { status } = await from(service, "203.0.113.7", shown);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (i % 200 === 0) assert.equal((await from(service, "203.0.113.7", boss.headers)).status, 200);
    }
    assert.deepEqual([...statuses], [[401, 20], [429, 980]]);
    const { body: { entries } } = await service.get("/v1/audit", boss);
    const calls = (status: number) =>
      entries.filter((entry: { status: number }) => entry.status === status)
        .reduce((sum: number, { calls }: { calls: number }) => sum + calls, 0);
    assert.deepEqual([calls(401), calls(429)], [20, 1]);
  }
});
