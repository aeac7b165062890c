// The page for operators. Its source is page/; `deno task page` makes the files that are served here, which
// are part of this program. Nothing comes from elsewhere.

import { onceLoaded } from "../../runtime/core/once.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";
import { PackedFiles } from "./packed_files.ts";

/** Nothing inline and nothing from elsewhere, not even a style. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const made = onceLoaded(async () => (await import("./page_files.json", { with: { type: "json" } })).default);
const files = new PackedFiles(async () => (await made()).files);

export function pageRoutes(app: App, pieces: Pieces): void {
  app.get("/page/:name", async (c) => {
    const name = c.req.param("name");
    const answer = await files.answer(c, pieces, name);
    if (answer === null) {
      throw new ProblemError(notFound(`no file of the page is named ${name}`));
    }
    return answer;
  });
}

/** @param prefix what the paths of this service begin with */
export async function pageResponse(
  prefix: string,
  headers: Record<string, string>,
): Promise<Response> {
  const { version } = await made();
  const base = `${prefix.replace(/[&"<>]/g, (char) => `&#${char.charCodeAt(0)};`)}/page`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Errand</title>
<link rel="icon" type="image/svg+xml" href="${base}/icon.svg?v=${version}">
<link rel="stylesheet" href="${base}/page.css?v=${version}">
<script type="module" src="${base}/page.js?v=${version}"></script>
</head>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript. Without it, the command line and the HTTP API do all that it does.</noscript>
</body>
</html>
`;
  return new Response(html, {
    headers: {
      ...headers,
      ...PAGE_HEADERS,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
    },
  });
}
