// The service as main.ts runs it, with functions that do what they should not.

import { readConfig } from "../../config.ts";
import { serve } from "../../service.ts";
import { sleep } from "../../tasks/sleep.ts";
import { unruly, unrulyThread } from "./unruly_tasks.ts";

await serve(readConfig(Deno.env.toObject()), [unruly, unrulyThread, sleep]);
