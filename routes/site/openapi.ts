// The OpenAPI 3.1 document: generated from the routes, with the body of a submit described per definition. It
// is loaded with the first request for the document: the package that makes it would take a seventh of the
// start-up time.

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Runtime } from "../../runtime/mod.ts";
import type { AnyDefinition } from "../../runtime/core/define.ts";
import { jsonSchemaOf } from "../../runtime/core/registry.ts";
import { ACCESS, STREAMS } from "../access/access_table.ts";
import type { Scope } from "../../runtime/core/caller.ts";
import type { App } from "../http/app_types.ts";
import { sampleOf, type Schema } from "./example_value.ts";

type Document = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
type Paths = Record<string, Record<string, Operation>>;

interface Operation {
  security: Record<string, Scope[]>[];
  responses: Record<number, unknown>;
}

const COMPONENTS = "#/components/schemas/";
const PROBLEM = { "application/problem+json": { schema: { $ref: `${COMPONENTS}Problem` } } };

const TEXT = { schema: { type: "string" } };
const RATE_HEADERS = { "Retry-After": TEXT, "RateLimit-Policy": TEXT, RateLimit: TEXT };

export function openapiDocument(app: App, runtime: Runtime): Document {
  const generator = new OpenAPIHono();
  for (const { middleware: _, ...operation } of app.operations) {
    generator.openAPIRegistry.registerPath(operation);
  }
  const document = generator.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Errand",
      version: "1",
      license: { name: "MIT", identifier: "MIT" } as { name: string },
      description:
        "POST a task, get a durable future: poll it, wait for it, or stream results as they complete.",
    },
  });
  const schemas = document.components!.schemas as Record<string, Schema>;
  const definitions = runtime.registry.all();
  describeSubmissions(schemas, definitions);
  addExamples(document, definitions);
  addAccess(document);
  return document;
}

/** Who may call what, and the answer to everybody else. */
function addAccess(document: Document): void {
  document.components!.securitySchemes = {
    key: {
      type: "http",
      scheme: "bearer",
      description: "An API key. A service without any answers this machine only, and asks for none.",
    },
    ticket: { type: "apiKey", in: "query", name: "ticket", description: "From POST /v1/tickets." },
  };
  for (const [path, operations] of Object.entries(document.paths as Paths)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    for (const [method, operation] of Object.entries(operations)) {
      const needs = ACCESS[`${method.toUpperCase()} ${pattern}`];
      operation.security = needs === "open" ? [] : [{ key: [...needs] }];
      if (needs === "open") continue;
      const byTicket = method === "get" && STREAMS.includes(pattern);
      if (byTicket) operation.security.push({ ticket: [] });
      operation.responses[401] = {
        description: `unauthorized: no API key, or a wrong one${
          byTicket ? "; or the ticket is not good here" : ""
        }`,
        headers: { "WWW-Authenticate": TEXT },
        content: PROBLEM,
      };
      operation.responses[403] = {
        description: `forbidden: ${
          needs.length > 0 ? `the key lacks ${needs.join(" or ")}; or, ` : ""
        }without API keys, another machine calls`,
        content: PROBLEM,
      };
      const { description } = (operation.responses[429] ?? {}) as { description?: string };
      operation.responses[429] = {
        description: `rate-limited: the key or its tenant has a limit, and sends more${
          description === undefined ? "" : `; or ${description}`
        }`,
        headers: RATE_HEADERS,
        content: PROBLEM,
      };
    }
  }
}

/** Replaces the general submission by one schema for each definition, told apart by `task`. */
function describeSubmissions(schemas: Record<string, Schema>, definitions: AnyDefinition[]): void {
  if (definitions.length === 0) return;
  const general = schemas.Submission as { properties: Record<string, Schema> } & Schema;
  const mapping: Record<string, string> = {};
  for (const definition of definitions) {
    const name = `Submit.${definition.name}`;
    mapping[definition.name] = `${COMPONENTS}${name}`;
    schemas[name] = {
      ...general,
      description: definition.description,
      required: takesNothing(definition) ? ["task"] : ["task", "input"],
      properties: {
        ...general.properties,
        task: { type: "string", const: definition.name },
        input: {
          $ref: addComponent(schemas, `Input.${definition.name}`, jsonSchemaOf(definition.input, "input")),
        },
      },
    };
  }
  schemas.Submission = {
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName: "task", mapping },
  };
}

/** An input that is left out means `{}`. */
function takesNothing(definition: AnyDefinition): boolean {
  return fits(definition, {});
}

function fits({ input }: AnyDefinition, value: unknown): boolean {
  try {
    return input.safeParse(value).success;
  } catch {
    // A user's own check that throws, or is asynchronous.
    return false;
  }
}

/** Adds a schema that stands by itself, and what its references lead to. The answer leads to it. */
function addComponent(
  schemas: Record<string, Schema>,
  name: string,
  { $defs = {}, ...schema }: Schema,
): string {
  const parts = Object.entries($defs as Record<string, Schema>);
  const names = new Map([["#", name]]);
  for (const [part] of parts) names.set(`#/$defs/${part}`, freeName(schemas, `${name}.${part}`, names));
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const target = key === "$ref" ? names.get(String(inner)) : undefined;
        return [key, target === undefined ? moved(inner) : `${COMPONENTS}${target}`];
      }),
    );
  };
  schemas[name] = moved(schema) as Schema;
  for (const [part, inner] of parts) schemas[names.get(`#/$defs/${part}`)!] = moved(inner) as Schema;
  return `${COMPONENTS}${name}`;
}

/** A component name that is still free. */
function freeName(schemas: Record<string, Schema>, wanted: string, taken: Map<string, string>): string {
  let name = wanted.replaceAll(/[^\w.-]/g, "_");
  while (Object.hasOwn(schemas, name) || [...taken.values()].includes(name)) name += "_";
  return name;
}

/** An example body for each definition whose input can be made up, to try. */
function addExamples(document: Document, definitions: AnyDefinition[]): void {
  const body = document.paths!["/v1/tasks"].post!.requestBody as { content: Record<string, Schema> };
  const examples = definitions.flatMap((definition) => {
    const { name, description } = definition;
    const input = sampleOf(jsonSchemaOf(definition.input, "input"));
    if (!fits(definition, input)) return [];
    return [[name, { summary: description ?? name, value: { task: name, input } }]];
  });
  if (examples.length > 0) body.content["application/json"].examples = Object.fromEntries(examples);
}
