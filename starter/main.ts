// The service: an HTTP API for the tasks of tasks.ts. Its settings are environment variables.

import { readConfig, serve } from "@errand/errand";
import * as tasks from "./tasks.ts";

await serve(readConfig(Deno.env.toObject()), tasks);
