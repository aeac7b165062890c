import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { isLoopback } from "../../auth/loopback.ts";

Deno.test("this machine's own names", () => {
  for (const name of ["localhost", "Localhost", "127.0.0.1", "127.255.255.254", "::1", "[::1]"]) {
    assert.ok(isLoopback(name), name);
  }
  for (
    const name of ["", "0.0.0.0", "::", "128.0.0.1", "1127.0.0.1", "127.0.0.1.nip.io", "localhost.", "127.1"]
  ) {
    assert.ok(!isLoopback(name), name);
  }
});
