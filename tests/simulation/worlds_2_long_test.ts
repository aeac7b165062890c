import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("900 more worlds keep every invariant (1,101 to 2,000)", () => requireSeeds(1_101, 2_000));
