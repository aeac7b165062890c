// The program `errand`: the service's own command line, and the service (`errand serve`).

import { systemIo } from "./io.ts";
import { run } from "./run.ts";

Deno.exit(await run(Deno.args, systemIo()));
