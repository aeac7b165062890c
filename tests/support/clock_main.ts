// The service as main.ts runs it, whose clock goes back an hour at SIGUSR2.

import { readConfig } from "../../config.ts";
import { serve } from "../../service.ts";
import { definitions } from "./definitions.ts";

const HOUR_MS = 60 * 60 * 1000;

if (import.meta.main) {
  const real = Date.now.bind(Date);
  let backMs = 0;
  Date.now = () => real() - backMs;
  Deno.addSignalListener("SIGUSR2", () => void (backMs += HOUR_MS));
  await serve(readConfig(Deno.env.toObject()), Object.values(definitions));
}
