import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("90 more worlds keep every invariant (11 to 100)", () => requireSeeds(11, 100));
Deno.test("250 more worlds keep every invariant (101 to 350)", () => requireSeeds(101, 350));
