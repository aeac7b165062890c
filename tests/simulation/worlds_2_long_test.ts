import "../support/sanitizers.ts";
import { requireSeeds } from "./many_seeds.ts";

Deno.test("250 more worlds keep every invariant (351 to 600)", () => requireSeeds(351, 600));
