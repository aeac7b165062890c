// /openapi.json and /docs. The page is Swagger UI, whose files are part of this program
// (tools/build_api_page.ts makes them): no request leaves the machine.

import type { Runtime } from "../../runtime/mod.ts";
import type { App } from "../http/app_types.ts";
import type { Pieces } from "../http/pieces.ts";
import { prefixOf } from "../http/prefix.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";
import { headersOf, PackedFiles } from "./packed_files.ts";

/** Of Swagger UI. */
const files = new PackedFiles(async () => {
  return (await import("./swagger_ui/files.json", { with: { type: "json" } })).default;
});

/** Nothing inline and nothing from elsewhere, not even a style. Swagger UI's icons are data: URLs. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** All its URLs are relative to its own, so they are right under any prefix. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Errand: HTTP reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript. Without it, read <a href="openapi.json">openapi.json</a>.</noscript>
</body>
</html>
`;

const START = `const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#docs",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

export function docsRoutes(app: App, runtime: Runtime, pieces: Pieces): void {
  let document: Promise<string> | undefined;
  const makeDocument = async () => {
    const { openapiDocument } = await import("./openapi.ts");
    return JSON.stringify(openapiDocument(app, runtime));
  };
  /** For the prefix that was asked for last. */
  let told: { prefix: string; bytes: Uint8Array<ArrayBuffer> } | undefined;
  app.get("/openapi.json", async (c) => {
    const text = await (document ??= makeDocument());
    const prefix = prefixOf(c);
    if (told?.prefix !== prefix) {
      const servers = JSON.stringify([{ url: prefix || "/" }]);
      told = { prefix, bytes: new TextEncoder().encode(`{"servers":${servers},${text.slice(1)}`) };
    }
    return pieces.shared(c, told.bytes, { ...PAGE_HEADERS, "content-type": "application/json" });
  });
  app.get("/docs", (c) => {
    // The page names what it loads relative to itself.
    if (new URL(c.req.url).pathname.endsWith("/")) return c.redirect(`${prefixOf(c)}/docs`, 308);
    return c.html(PAGE, 200, { ...PAGE_HEADERS, "content-security-policy": POLICY });
  });
  app.get("/docs/:asset", async (c) => {
    const asset = c.req.param("asset");
    if (asset === "start.js") return new Response(START, { headers: headersOf(asset) });
    const answer = await files.answer(c, pieces, asset);
    if (answer === null) throw new ProblemError(notFound(`no asset is named ${asset}`));
    return answer;
  });
}
