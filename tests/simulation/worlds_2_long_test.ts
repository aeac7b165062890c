import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("250 more worlds keep every invariant (601 to 850)", () => requireSeeds(601, 850));
Deno.test("250 more worlds keep every invariant (851 to 1,100)", () => requireSeeds(851, 1_100));
