// /openapi.json and /docs. The page is Swagger UI, whose files are part of this program
// (tools/build_api_page.ts makes them): no request leaves the machine.

import type { Runtime } from "../../runtime/mod.ts";
import type { App } from "../http/app_types.ts";
import { prefixOf } from "../http/prefix.ts";
import { openapiDocument } from "./openapi.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { PAGE_HEADERS } from "../http/safe_headers.ts";

const TYPES: Record<string, string> = { js: "text/javascript", css: "text/css" };

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

export function docsRoutes(app: App, runtime: Runtime): void {
  let document: Promise<string> | undefined;
  app.get("/openapi.json", async (c) => {
    document ??= openapiDocument(app, runtime).then((made) => JSON.stringify(made));
    const servers = JSON.stringify([{ url: prefixOf(c) || "/" }]);
    return new Response(`{"servers":${servers},${(await document).slice(1)}`, {
      headers: { ...PAGE_HEADERS, "content-type": "application/json" },
    });
  });
  app.get("/docs", (c) => {
    // The page names what it loads relative to itself.
    if (new URL(c.req.url).pathname.endsWith("/")) return c.redirect(`${prefixOf(c)}/docs`, 308);
    return c.html(PAGE, 200, { ...PAGE_HEADERS, "content-security-policy": POLICY });
  });
  app.get("/docs/:asset", async (c) => {
    const asset = c.req.param("asset");
    const headers = {
      ...PAGE_HEADERS,
      "content-type": `${TYPES[asset.split(".").at(-1)!] ?? "text/plain"}; charset=utf-8`,
      "cache-control": "public, max-age=86400",
      vary: "accept-encoding",
    };
    if (asset === "start.js") return new Response(START, { headers });
    const packed = await packedFile(asset);
    if (!packed) throw new ProblemError(notFound(`no asset is named ${asset}`));
    if (/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) {
      return new Response(packed, { headers: { ...headers, "content-encoding": "gzip" } });
    }
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")), {
      headers,
    });
  });
}

/** A file of Swagger UI, compressed. All are read with the first request for one. */
async function packedFile(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const { default: files } = await import("./swagger_ui/files.json", { with: { type: "json" } });
  const packed = Object.hasOwn(files, name) ? files[name as keyof typeof files] : null;
  return packed === null ? null : Uint8Array.from(atob(packed), (byte) => byte.charCodeAt(0));
}
