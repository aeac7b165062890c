// Aborts of very many waits at once.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { onAbort } from "../../../client/transport/deadline.ts";

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

Deno.test("thousands listen to one signal by one listener: more of them would take seconds to be added", () => {
  const { signal } = new AbortController();
  let listeners = 0;
  signal.addEventListener = () => void listeners++;
  const stops = Array.from({ length: 5_000 }, () => onAbort(signal, () => {}));
  stops.forEach((stop) => stop());
  assert.equal(listeners, 1);
});
