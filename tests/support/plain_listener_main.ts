// A program that listens as where Deno gives no hold on its connections. It looks often whether it still
// listens.

// deno-lint-ignore-file no-console -- tests read what it says

import { systemClock } from "../../runtime/mod.ts";
import { PlainListener } from "../../serving/plain_listener.ts";

const LOOK_EVERY_MS = 50;

/** False if nobody has its port at this moment. */
function listens(): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: address.port }).close();
    return false;
  } catch {
    return true;
  }
}

const { address } = new PlainListener({
  hostname: "127.0.0.1",
  port: 0,
  clock: systemClock,
  log: {
    info: console.log,
    error: (message) => console.error(message, listens() ? "" : "(it does not listen)"),
  },
  handler: () => new Response("hello"),
}, LOOK_EVERY_MS);
console.log(`errand listening on http://127.0.0.1:${address.port}`);
