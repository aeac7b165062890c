// The service as main.ts runs it, with the definitions that only tests need.

import { readConfig } from "../../config.ts";
import { serve } from "../../service.ts";
import { definitions } from "./definitions.ts";

if (import.meta.main) await serve(readConfig(Deno.env.toObject()), Object.values(definitions));
