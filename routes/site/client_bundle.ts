// The client for pages that this service serves, or that a proxy puts beside it: `import { Client } from
// "/client/errand.js"`. Its one dependency is served from here too: no request leaves the machine.

import { fileURLToPath } from "node:url";
import { notFound, ProblemError } from "../http/problem.ts";
import type { App } from "../http/app_types.ts";

const fromParser = (file: string) => () => new URL(file, import.meta.resolve("eventsource-parser")).href;

/** Where a file is, by its name under /client/. Found out when it is asked for: nobody else needs it. */
const FILES: Record<string, () => string> = {
  "errand.js": () => new URL("../../client/npm/errand.js", import.meta.url).href,
  "eventsource-parser/index.js": fromParser("index.js"),
  "eventsource-parser/parse.js": fromParser("parse.js"),
  "eventsource-parser/errors.js": fromParser("errors.js"),
};

export function clientRoutes(app: App): void {
  app.get("/client/:name{.+}", async (c) => {
    const name = c.req.param("name");
    if (!Object.hasOwn(FILES, name)) {
      throw new ProblemError(notFound(`no file of the client is named ${name}`));
    }
    // A browser knows no bare names.
    const code = (await textAt(FILES[name]())).replaceAll(
      'from "eventsource-parser"',
      'from "./eventsource-parser/index.js"',
    );
    return new Response(code, {
      headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
    });
  });
}

/** Where Errand itself was imported from a registry, its files are there. */
async function textAt(url: string): Promise<string> {
  return url.startsWith("file:")
    ? await Deno.readTextFile(fileURLToPath(url))
    : await (await fetch(url)).text();
}
