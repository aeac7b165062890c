import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("1,000 worlds keep every invariant (1,001 to 2,000)", () => requireSeeds(1_001, 1_000));
