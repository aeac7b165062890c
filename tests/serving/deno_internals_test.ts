import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { connectionServer } from "../../serving/deno_internals.ts";

Deno.test("asking Deno for its server of connections loads nothing else that Deno loads when it is asked", () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  const asked: PropertyKey[] = [];
  const value = new Proxy(Deno, {
    get: (deno, name) => {
      asked.push(name);
      return Reflect.get(deno, name);
    },
  });
  Object.defineProperty(globalThis, "Deno", { value, configurable: true });
  try {
    connectionServer();
  } finally {
    Object.defineProperty(globalThis, "Deno", own);
  }
  assert.deepEqual(asked, ["internal", (Deno as unknown as { internal: symbol }).internal]);
});
