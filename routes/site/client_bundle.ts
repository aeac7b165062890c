// The client for pages that this service serves, or that a proxy serves from the same origin: `import {
// Client } from "/client/errand.js"`. Its one dependency is served from here too: no request leaves the
// machine.

import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";

export function clientRoutes(app: App, pieces: Pieces): void {
  const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
  app.get("/client/:name{.+}", async (c) => {
    // Part of this program (`deno task client` makes it), read with the first request for a file.
    const { default: files } = await import("./client_files.json", { with: { type: "json" } });
    const name = c.req.param("name");
    if (!Object.hasOwn(files, name)) {
      throw new ProblemError(notFound(`no file of the client is named ${name}`));
    }
    const type = name.endsWith(".js") ? "text/javascript" : "text/plain";
    let file = bytes.get(name);
    if (!file) {
      file = new TextEncoder().encode(files[name as keyof typeof files]);
      bytes.set(name, file);
    }
    return pieces.shared(c, file, {
      ...PAGE_HEADERS,
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-cache",
    });
  });
}
