// /openapi.json and /docs. The page and its assets are served from here: no request leaves the machine.

import { join } from "node:path";
import swaggerAssets from "swagger-ui-dist/absolute-path.js";
import type { Runtime } from "../../runtime/mod.ts";
import type { App } from "../http/app_types.ts";
import { prefixOf } from "../http/prefix.ts";
import { openapiDocument } from "./openapi.ts";
import { notFound, ProblemError } from "../http/problem.ts";

const ASSETS: Record<string, string> = {
  "swagger-ui.css": "text/css",
  "swagger-ui-bundle.js": "text/javascript",
  "favicon-32x32.png": "image/png",
};

const pageAt = (prefix: string) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errand: HTTP reference</title>
<link rel="icon" href="${prefix}/docs/favicon-32x32.png">
<link rel="stylesheet" href="${prefix}/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="${prefix}/docs/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({ url: "${prefix}/openapi.json", dom_id: "#docs", deepLinking: true, tryItOutEnabled: true, validatorUrl: null });
</script>
</body>
</html>
`;

export function docsRoutes(app: App, runtime: Runtime): void {
  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(openapiDocument(app, runtime));
    const servers = JSON.stringify([{ url: prefixOf(c) || "/" }]);
    return new Response(`{"servers":${servers},${document.slice(1)}`, {
      headers: { "content-type": "application/json" },
    });
  });
  app.get("/docs", (c) => c.html(pageAt(prefixOf(c))));
  app.get("/docs/:asset", async (c) => {
    const asset = c.req.param("asset");
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (type === undefined) throw new ProblemError(notFound(`no asset is named ${asset}`));
    const bytes = await Deno.readFile(join(swaggerAssets(), asset));
    return new Response(bytes, {
      headers: { "content-type": type, "cache-control": "public, max-age=86400" },
    });
  });
}
