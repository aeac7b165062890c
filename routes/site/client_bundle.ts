// The client for pages that this service serves, or that a proxy puts beside it: `import { Client } from
// "/client/errand.js"`. Its one dependency is served from here too: no request leaves the machine.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { notFound, ProblemError } from "../http/problem.ts";
import type { App } from "../http/app_types.ts";

const CLIENT = fileURLToPath(new URL("../../client/npm/errand.js", import.meta.url));
const PARSER = dirname(fileURLToPath(import.meta.resolve("eventsource-parser")));

/** By the name under /client/. */
const FILES: Record<string, string> = {
  "errand.js": CLIENT,
  "eventsource-parser/index.js": join(PARSER, "index.js"),
  "eventsource-parser/parse.js": join(PARSER, "parse.js"),
  "eventsource-parser/errors.js": join(PARSER, "errors.js"),
};

export function clientRoutes(app: App): void {
  app.get("/client/:name{.+}", async (c) => {
    const name = c.req.param("name");
    if (!Object.hasOwn(FILES, name)) {
      throw new ProblemError(notFound(`no file of the client is named ${name}`));
    }
    const text = await Deno.readTextFile(FILES[name]);
    // A browser knows no bare names.
    const code = text.replaceAll('from "eventsource-parser"', 'from "./eventsource-parser/index.js"');
    return new Response(code, {
      headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
    });
  });
}
