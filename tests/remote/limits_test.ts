import "../support/sanitizers.ts";
import { needed } from "../support/denokv.ts";
import { LIMIT_SURVIVES_KILL, requireLimitHeld } from "../support/limited.ts";

Deno.test({
  ...needed(LIMIT_SURVIVES_KILL),
  fn: () => requireLimitHeld({ denokv: true }),
});
