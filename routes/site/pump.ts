// POST /internal/pump: a response that lasts for as long as this instance has work (deploy/pump.ts). Only the
// app itself may ask for it.

import { ProblemError, unauthorized } from "../http/problem.ts";
import type { App, PumpPort } from "../http/app_types.ts";

export function pumpRoutes(app: App, pump: PumpPort): void {
  app.post(pump.path, async (c) => {
    const [, ticket = ""] = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!await pump.admits(ticket)) throw new ProblemError(unauthorized("this is for the app itself"));
    await c.req.raw.body?.cancel();
    return pump.serve();
  });
}
