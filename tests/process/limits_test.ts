import "../support/sanitizers.ts";
import { LIMIT_SURVIVES_KILL, requireLimitHeld } from "../support/limited.ts";

Deno.test(LIMIT_SURVIVES_KILL, () => requireLimitHeld({ denokv: false }));
