import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("75 worlds keep every invariant (26 to 100)", () => requireSeeds(26, 100));
Deno.test("250 more worlds keep every invariant (101 to 350)", () => requireSeeds(101, 350));
