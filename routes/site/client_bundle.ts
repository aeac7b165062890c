// The client for pages that this service serves, or that a proxy serves from the same origin: `import {
// Client } from "/client/errand.js"`. Its one dependency is served from here too: no request leaves the
// machine.

import type { App } from "../http/app_types.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";

export function clientRoutes(app: App): void {
  app.get("/client/:name{.+}", async (c) => {
    // Part of this program (`deno task client` makes it), read with the first request for a file.
    const { default: files } = await import("./client_files.json", { with: { type: "json" } });
    const name = c.req.param("name");
    if (!Object.hasOwn(files, name)) {
      throw new ProblemError(notFound(`no file of the client is named ${name}`));
    }
    const type = name.endsWith(".js") ? "text/javascript" : "text/plain";
    return new Response(files[name as keyof typeof files], {
      headers: {
        ...PAGE_HEADERS,
        "content-type": `${type}; charset=utf-8`,
        "cache-control": "no-cache",
      },
    });
  });
}
