import { isInstalled } from "../../tools/denokv_server.ts";
import { skippedIf } from "./skip.ts";

const missing = isInstalled() ? null : 'no denokv; "deno task denokv" installs it';

/** Options of a test that needs a `denokv` server. */
export function needed(name: string): { name: string; ignore: boolean } {
  return skippedIf(missing, name);
}
