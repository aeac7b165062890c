import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { definitions } from "../../../tasks/mod.ts";
import { aService } from "../../support/service.ts";
import { routesOf } from "../../../routes/http/methods.ts";
import { digestOf, DIGESTS } from "../../../tools/build_api_page.ts";
import { faultsUnder, type Schema } from "../../support/json_schema.ts";

Deno.test("the document holds exactly the routes that exist", async () => {
  await using service = await aService({ running: false });
  const document = await service.document();
  const described = Object.entries<Schema>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const undescribed = ["/openapi.json", "/docs", "/docs/:asset", "/client/:name{.+}", "/page/:name"];
  const existing = routesOf(service.app)
    .filter(({ path }) => !undescribed.includes(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  assert.deepEqual([...new Set(described)].sort(), [...new Set(existing)].sort());
  const contract = [
    "POST /v1/tasks",
    "POST /v1/tasks/batch",
    "GET /v1/tasks/{id}",
    "GET /v1/tasks/{id}/result",
    "GET /v1/tasks/{id}/events",
    "POST /v1/tasks/{id}/cancel",
    "POST /v1/tasks/{id}/retry",
    "DELETE /v1/tasks/{id}",
    "GET /v1/tasks",
    "POST /v1/wait",
    "GET /v1/as-completed",
    "POST /v1/as-completed",
    "POST /v1/groups",
    "GET /v1/groups/{id}",
    "GET /v1/definitions",
    "GET /healthz",
    "GET /readyz",
  ];
  for (const route of contract) assert.ok(described.includes(route), `${route} is missing`);
});

Deno.test("the document is OpenAPI 3.1 and each of its references leads somewhere", async () => {
  await using service = await aService({ running: false });
  const document = await service.document();
  assert.match(document.openapi, /^3\.1\./);
  const refs = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, ref] of refs) {
    const found = ref.split("/").reduce((at: Schema, part: string) => at?.[part], document);
    assert.ok(found, `#/${ref}`);
  }
  const ids = Object.values<Schema>(document.paths).flatMap((path) =>
    Object.values<Schema>(path).map(({ operationId }) => operationId)
  );
  assert.ok(ids.every((id) => typeof id === "string"));
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("the body of a submit is described for each definition and told apart by task", async () => {
  await using service = await aService({ running: false });
  const document = await service.document();
  const body = document.paths["/v1/tasks"].post.requestBody.content["application/json"].schema;
  const { oneOf, discriminator } = document.components.schemas.Submission;
  assert.deepEqual(body, { $ref: "#/components/schemas/Submission" });
  assert.equal(discriminator.propertyName, "task");
  const names = Object.values(definitions).map(({ name }) => name).sort();
  assert.deepEqual(Object.keys(discriminator.mapping).sort(), names);
  assert.equal(oneOf.length, names.length);
  const faults = (value: unknown) => faultsUnder(document, body, value);
  assert.deepEqual(faults({ task: "add", input: { a: 1, b: 2 } }), []);
  assert.deepEqual(faults({ task: "sleep", input: { ms: 1 }, options: { delayMs: 5, tags: ["a"] } }), []);
  for (
    const bad of [{ task: "add", input: { a: 1 } }, { task: "ad", input: {} }, {
      task: "sleep",
      input: { ms: -1 },
    }]
  ) {
    assert.notDeepEqual(faults(bad), [], JSON.stringify(bad));
    assert.equal((await service.post("/v1/tasks", bad)).status, 422);
  }
});

Deno.test("the tasks of a batch are described for each definition too", async () => {
  await using service = await aService({ running: false });
  const document = await service.document();
  const { tasks } = document.components.schemas.BatchSubmission.properties;
  assert.notDeepEqual(faultsUnder(document, tasks, [{ task: "add", input: { a: 1 } }]), []);
});

Deno.test("GET /definitions tells names, schemas and defaults", async () => {
  await using service = await aService({ running: false });
  const { status, body } = await service.get("/v1/definitions");
  assert.equal(status, 200);
  const names = body.definitions.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, Object.values(definitions).map(({ name }) => name).sort());
  const add = body.definitions.find(({ name }: { name: string }) => name === "add");
  assert.deepEqual(add.input.required, ["a", "b"]);
  assert.equal(add.input.additionalProperties, false);
  assert.equal(add.output.type, "number");
});

Deno.test("healthz answers always, readyz while the database does", async () => {
  await using service = await aService({ running: false });
  for (const path of ["/healthz", "/readyz"]) {
    const { status, body } = await service.get(path);
    assert.deepEqual([status, body], [200, { status: "ok" }]);
  }
  service.runtime.ping = () => Promise.reject(new Error("gone"));
  const { status, headers, body } = await service.get("/readyz");
  assert.deepEqual([status, body.type], [503, "/problems/unavailable"]);
  assert.match(headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal((await service.get("/healthz")).status, 200);
});

Deno.test("the docs and all that they load are served from here, and nothing is inline", async () => {
  await using service = await aService({ running: false });
  const { status, text, headers } = await service.get("/docs");
  assert.equal(status, 200);
  assert.doesNotMatch(headers.get("content-security-policy")!, /unsafe|https?:|\*/);
  assert.doesNotMatch(text, /https?:|<script>|<style|style=|onload=/);
  const linked = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
  const files = linked.filter((path) => path.startsWith("docs/"));
  assert.deepEqual(linked.filter((path) => !files.includes(path)), ["data:,", "openapi.json"]);
  assert.deepEqual(files, ["docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"]);
  for (const path of files) {
    const file = await service.get(`/${path}`);
    assert.equal(file.status, 200, path);
    assert.match(
      file.headers.get("content-type")!,
      path.endsWith("css") ? /^text\/css/ : /^text\/javascript/,
    );
  }
});

Deno.test("the files of Swagger UI are those of its package, compressed or not, and its licences are there", async () => {
  await using service = await aService({ running: false });
  assert.ok(["LICENSE", "NOTICE"].every((name) => Object.hasOwn(DIGESTS, name)));
  for (const [name, digest] of Object.entries(DIGESTS)) {
    for (const accepted of ["gzip, br", "identity"]) {
      const response = await service.app.request(`/docs/${name}`, {
        headers: { "accept-encoding": accepted },
      });
      const isCompressed = response.headers.get("content-encoding") === "gzip";
      assert.equal(isCompressed, accepted === "gzip, br");
      const body = new Uint8Array(await response.arrayBuffer());
      assert.equal(digestOf(isCompressed ? gunzipSync(body) : body), digest, `${name} for ${accepted}`);
    }
  }
});
