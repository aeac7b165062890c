import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { Tickets } from "../../auth/tickets.ts";
import { UnavailableError } from "../../runtime/core/errors.ts";
import { systemClock } from "../../runtime/platform/clock.ts";
import { serviceKeys } from "../../runtime/platform/service_keys.ts";
import type { KvPort } from "../../runtime/platform/kv.ts";
import { openKv } from "../../runtime/platform/open_kv.ts";
import { aDatabase } from "../support/server_process.ts";

function ticketsOn(kv: KvPort, now: () => number = Date.now): Tickets {
  return new Tickets(kv, { ...systemClock, now });
}

Deno.test("a ticket is good for its purpose and its time, and has no other way to be written", async () => {
  const kv = await openKv(":memory:");
  let now = 1_000_000;
  const tickets = ticketsOn(kv, () => now);
  const ticket = await tickets.issue("pump 7", 5_000);
  assert.match(ticket, /^[\w-]+\.[\w-]{43}$/);
  assert.ok(!ticket.includes("pump"));
  assert.equal(await tickets.verify(ticket, "pump 7"), null);
  assert.equal(await tickets.verify(ticket, "pump 8"), "other");
  for (let at = 0; at < ticket.length; at++) {
    const changed = ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1);
    assert.equal(await tickets.verify(changed, "pump 7"), "forged", `at ${at}`);
  }
  for (
    const text of ["", ".", "x.y", `${ticket}A`, ` ${ticket}`, `${ticket}.${ticket}`, ticket.split(".")[0]]
  ) {
    assert.equal(await tickets.verify(text, "pump 7"), "forged", text);
  }
  now += 4_999;
  assert.equal(await tickets.verify(ticket, "pump 7"), null);
  now += 1;
  assert.equal(await tickets.verify(ticket, "pump 7"), "expired");
  assert.equal(await tickets.verify(ticket, "pump 8"), "other");
  await kv.close();
});

Deno.test("processes that begin at once agree on a secret; those of another database have another", async () => {
  await using database = await aDatabase();
  await Deno.mkdir(database.path.replace(/\/[^/]+$/, ""), { recursive: true });
  const kvs = await Promise.all([1, 2, 3, 4].map(() => openKv(database.path)));
  const processes = kvs.map((kv) => ticketsOn(kv));
  const issued = await Promise.all(processes.map((tickets) => tickets.issue("stream", 60_000)));
  for (const tickets of processes) {
    for (const ticket of issued) assert.equal(await tickets.verify(ticket, "stream"), null);
  }
  const { value } = await kvs[0].get<Uint8Array>(serviceKeys.ticketSecret);
  assert.equal(value?.length, 32);
  assert.ok(new Set(value).size > 8, "it is drawn at random");
  const elsewhere = await openKv(":memory:");
  assert.equal(await ticketsOn(elsewhere).verify(issued[0], "stream"), "forged");
  for (const kv of [...kvs, elsewhere]) await kv.close();
});

Deno.test("a database that does not answer is told as that, and asked again the next time", async () => {
  const kv = await openKv(":memory:");
  const tickets = ticketsOn(kv);
  const { commit } = kv;
  kv.commit = () => Promise.reject(new Error("disk I/O error"));
  await assert.rejects(tickets.issue("stream", 60_000), UnavailableError);
  // The failed commit may have been applied: the stored value counts.
  kv.commit = async (...args) => {
    await commit.apply(kv, args);
    throw new Error("the answer was lost");
  };
  await assert.rejects(tickets.issue("stream", 60_000), UnavailableError);
  const ticket = await tickets.issue("stream", 60_000);
  assert.equal(await tickets.verify(ticket, "stream"), null);
  await kv.close();
});
