import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("900 more worlds keep every invariant (201 to 1,100)", () => requireSeeds(201, 1_100));
