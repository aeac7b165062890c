// Aborts of very many waits at once.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { onAbort } from "../../client/transport/deadline.ts";

Deno.test("an abort is told to each that has not stopped listening, once", () => {
  const abort = new AbortController();
  const told: string[] = [];
  const [stop] = ["a", "b", "c"].map((name) => onAbort(abort.signal, () => told.push(name)));
  stop();
  onAbort(undefined, () => told.push("nobody"))();
  const twice = () => told.push("twice");
  onAbort(abort.signal, twice)();
  onAbort(abort.signal, twice);
  abort.abort();
  abort.abort();
  assert.deepEqual(told, ["b", "c", "twice"]);
});

Deno.test("who listens to an abort may stop another one that does", () => {
  const abort = new AbortController();
  const told: string[] = [];
  onAbort(abort.signal, () => {
    told.push("first");
    stop();
  });
  const stop = onAbort(abort.signal, () => told.push("second"));
  abort.abort();
  assert.deepEqual(told, ["first"]);
});

Deno.test("fifty thousand listen to one signal in no time", () => {
  const { signal } = new AbortController();
  const before = performance.now();
  const stops = Array.from({ length: 50_000 }, () => onAbort(signal, () => {}));
  stops.forEach((stop) => stop());
  const tookMs = performance.now() - before;
  assert.ok(tookMs < 3_000, `it took ${tookMs} ms`); // As many listeners of an AbortSignal take more than 10 s.
});
