// What tools make of /openapi.json: it holds schemas and nothing else, and says the same as the service does.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { createErrand, define } from "../../../mod.ts";
import { aService, UNKNOWN_ID } from "../../support/service.ts";
import { faultsUnder, type Schema } from "../../support/json_schema.ts";

const nothing = () => null;
const node = z.object({
  name: z.string(),
  get children() {
    return z.array(node).optional();
  },
});
const DEFINITIONS = [
  define({ name: "bare", input: z.object({}) }, nothing),
  define({ name: "defaults", input: z.object({ n: z.int().default(3), s: z.string().optional() }) }, nothing),
  define({ name: "anything", input: z.unknown() }, nothing),
  define({ name: "needs", input: z.object({ url: z.url() }) }, nothing),
  define({ name: "list", input: z.array(z.string()) }, nothing),
  define({
    name: "checked",
    input: z.object({ n: z.int().default(3) }).refine(() => Promise.resolve(true)),
  }, nothing),
  define({ name: "patterned", input: z.object({ code: z.string().regex(/^[a-f]{3}-\d$/) }) }, nothing),
  define({ name: "tree", input: z.object({ root: node }) }, nothing),
  define({ name: "itself", input: node }, nothing),
  define({ name: "named", input: z.object({ a: z.string().meta({ id: "Named Part" }) }) }, nothing),
];

/** All words of JSON Schema and of OpenAPI that the document's schemas use. */
const WORDS = new Set(
  ("$ref type enum const format pattern description title default examples properties required items prefixItems " +
    "additionalProperties propertyNames minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength " +
    "maxLength minItems maxItems anyOf oneOf allOf not discriminator").split(" "),
);

function assertIsSchema(schema: Schema, at: string): void {
  assert.equal(typeof schema, "object", at);
  for (const [word, inner] of Object.entries<Schema>(schema)) {
    assert.ok(WORDS.has(word), `${at} has ${word}`);
    const path = `${at}/${word}`;
    if (word === "properties") {
      for (const [name, each] of Object.entries<Schema>(inner)) assertIsSchema(each, `${path}/${name}`);
    } else if (["anyOf", "oneOf", "allOf", "prefixItems"].includes(word)) {
      assert.ok(inner.length > 0, path);
      for (const [i, each] of inner.entries()) assertIsSchema(each, `${path}/${i}`);
    } else if (["items", "not", "propertyNames"].includes(word)) assertIsSchema(inner, path);
    else if (word === "additionalProperties" && typeof inner !== "boolean") assertIsSchema(inner, path);
  }
}

/** Calls back for each schema that a part of the document says under `schema`. */
function* schemasIn(part: unknown, at: string): Generator<[Schema, string]> {
  if (typeof part !== "object" || part === null) return;
  for (const [name, inner] of Object.entries(part)) {
    if (name === "schema") yield [inner, `${at}/schema`];
    else yield* schemasIn(inner, `${at}/${name}`);
  }
}

Deno.test("every schema of the document is JSON Schema and nothing else, with any definitions or none", async () => {
  for (const definitions of [[], DEFINITIONS]) {
    await using errand = await createErrand({ kv: ":memory:", definitions });
    const document = await (await errand.fetch(new Request("http://localhost/openapi.json"))).json();
    let seen = 0;
    for (const [schema, at] of schemasIn(document.paths, "paths")) {
      assertIsSchema(schema, at);
      seen++;
    }
    assert.ok(seen > 100, String(seen));
    for (const [name, schema] of Object.entries<Schema>(document.components.schemas)) {
      assert.match(name, /^[\w.-]+$/);
      assertIsSchema(schema, name);
    }
    const refs = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g);
    for (const [, ref] of refs) {
      const name = /^#\/components\/schemas\/([^/]+)$/.exec(ref)?.[1];
      assert.ok(name !== undefined && Object.hasOwn(document.components.schemas, name), ref);
    }
  }
});

Deno.test("all refusals are told by the one schema of problems", async () => {
  await using service = await aService({ running: false });
  const { paths } = await service.document();
  for (const [path, operations] of Object.entries<Schema>(paths)) {
    for (const [method, { responses }] of Object.entries<Schema>(operations)) {
      for (const [status, { content }] of Object.entries<Schema>(responses)) {
        if (Number(status) < 400) continue;
        assert.deepEqual(content, {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        }, `${method} ${path} ${status}`);
      }
    }
  }
});

Deno.test("the cause of an error is an error again, by its name", async () => {
  await using service = await aService({ running: false });
  const document = await service.document();
  const { TaskError } = document.components.schemas;
  assert.deepEqual([TaskError.type, TaskError.properties.cause], ["object", {
    $ref: "#/components/schemas/TaskError",
  }]);
  const error = { name: "A", message: "a", retryable: true };
  assert.deepEqual(faultsUnder(document, TaskError, { ...error, cause: { ...error, cause: error } }), []);
  assert.notDeepEqual(
    faultsUnder(document, TaskError, { ...error, cause: { ...error, cause: { name: "B" } } }),
    [],
  );
});

Deno.test("an input is said to be required where a submit without one is refused", async () => {
  await using service = await aService({ running: false, definitions: DEFINITIONS });
  const { schemas } = (await service.document()).components;
  const said: Record<string, boolean> = {};
  for (const { name } of service.runtime.registry.all()) {
    if (name === "checked") continue;
    said[name] = schemas[`Submit.${name}`].required.includes("input");
    const { status } = await service.post("/v1/tasks", { task: name });
    assert.equal(status, said[name] ? 422 : 202, name);
  }
  assert.deepEqual([said.bare, said.defaults, said.anything, said.needs, said.list], [
    false,
    false,
    false,
    true,
    true,
  ]);
  // What cannot be tried is said to be needed.
  assert.deepEqual(schemas["Submit.checked"].required, ["task", "input"]);
});

Deno.test("an example can be sent as it is; there is none where none can be made up", async () => {
  await using service = await aService({ running: false, definitions: DEFINITIONS });
  const { paths } = await service.document();
  const { examples } = paths["/v1/tasks"].post.requestBody.content["application/json"];
  for (const [name, { value }] of Object.entries<Schema>(examples)) {
    const { status, text } = await service.post("/v1/tasks", value);
    assert.equal(status, 202, `${name}: ${text}`);
  }
  const missing = service.runtime.registry.all().map(({ name }) => name).filter((name) =>
    !(name in examples)
  );
  assert.deepEqual(missing, ["checked", "patterned"]);
  assert.deepEqual(examples.needs.value, { task: "needs", input: { url: "https://example.com/" } });
});

Deno.test("what callers may say is described as it is checked", async () => {
  await using service = await aService({ running: false, definitions: DEFINITIONS });
  const document = await service.document();
  const { Submission } = document.components.schemas;
  const root = { name: "a", children: [{ name: "b", children: [{ name: "c" }] }] };
  const good = [
    { task: "tree", input: { root } },
    { task: "itself", input: root },
    { task: "named", input: { a: "x" } },
    { task: "defaults" },
  ];
  for (const value of good) {
    assert.deepEqual(faultsUnder(document, Submission, value), [], JSON.stringify(value));
    assert.equal((await service.post("/v1/tasks", value)).status, 202);
  }
  const bad = [
    { task: "tree", input: { root: { name: "a", children: [{ name: 5 }] } } },
    { task: "itself", input: { name: "a", children: [{}] } },
    { task: "needs" },
  ];
  for (const value of bad) {
    assert.notDeepEqual(faultsUnder(document, Submission, value), [], JSON.stringify(value));
    assert.equal((await service.post("/v1/tasks", value)).status, 422);
  }
});

Deno.test("of fields that say the same, or of which one is needed, the document allows as many as the service", async () => {
  await using service = await aService({ running: false, definitions: DEFINITIONS });
  const document = await service.document();
  const { Submission, WaitRequest, AsCompletedRequest } = document.components.schemas;
  const at = "2030-01-01T00:00:00Z";
  const { body: { tasks: [{ id }], groupId } } = await service.post("/v1/tasks/batch", {
    tasks: [{ task: "bare" }],
    group: true,
  });
  const submits = [{ delayMs: 1 }, { runAt: at }, { delayMs: 1, ttlMs: 1 }, { delayMs: 1, runAt: at }, {
    ttlMs: 1,
    expiresAt: at,
  }].map((options) => ({ task: "bare", options }));
  const which = [{}, { ids: [id] }, { groupId }, { ids: [id], groupId }];
  const calls: [string, Schema, object[]][] = [
    ["/v1/tasks", Submission, submits],
    ["/v1/wait", WaitRequest, which.map((query) => ({ ...query, timeoutSeconds: 0 }))],
    ["/v1/as-completed", AsCompletedRequest, which.map((query) => ({ ...query, timeoutSeconds: 0 }))],
  ];
  for (const [path, schema, bodies] of calls) {
    for (const body of bodies) {
      const { status } = await service.post(path, body);
      const isDescribed = faultsUnder(document, schema, body).length === 0;
      assert.equal(isDescribed, status !== 422, `${path} ${JSON.stringify(body)}: ${status}`);
    }
  }
});

/** One that leads to nothing that exists. */
function aPathOf(template: string): string {
  return template.replace("{kind}", "key").replaceAll(/\{\w+\}/g, UNKNOWN_ID);
}

Deno.test("a body that may be left out is said to be optional, and one that may not to be required", async () => {
  await using service = await aService({ running: false });
  const { paths } = await service.document();
  let bodies = 0;
  for (const [path, operations] of Object.entries<Schema>(paths)) {
    for (const [method, { requestBody }] of Object.entries<Schema>(operations)) {
      if (!requestBody) continue;
      const { status } = await service.request(method.toUpperCase(), aPathOf(path));
      assert.equal(requestBody.required ?? false, status === 400, `${method} ${path}: ${status}`);
      bodies++;
    }
  }
  assert.ok(bodies > 30, `${bodies} bodies`);
});

Deno.test("a number in a query or a header may be as small and as large as the document says, and no more", async () => {
  await using service = await aService({ running: false });
  const { paths } = await service.document();
  let numbers = 0;
  for (const [path, operations] of Object.entries<Schema>(paths)) {
    for (const [method, { parameters = [] }] of Object.entries<Schema>(operations)) {
      for (const { in: where, name, schema } of parameters as Schema[]) {
        if (schema.type !== "integer" && schema.type !== "number") continue;
        const { minimum, maximum = Number.MAX_VALUE } = schema;
        for (const value of [minimum - 1, minimum, maximum, maximum + 1]) {
          const query = where === "query" ? `?${name}=${encodeURIComponent(value)}` : "";
          const headers = where === "header" ? { [name]: `${value}` } : undefined;
          const { body } = await service.request(method.toUpperCase(), aPathOf(path) + query, { headers });
          const faults: Schema[] = body.errors ?? [];
          const isRefused = faults.some(({ pointer }) => pointer === `/${where}/${name}`);
          const isAllowed = minimum <= value && value <= maximum;
          assert.equal(isRefused, !isAllowed, `${method} ${path}: ${name} ${value}`);
        }
        numbers++;
      }
    }
  }
  assert.ok(numbers > 10, `${numbers} numbers`);
});
