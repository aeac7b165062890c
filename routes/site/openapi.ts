// The OpenAPI 3.1 document: generated from the routes, with the body of a submit described per definition.

import type { Runtime } from "../../runtime/mod.ts";
import { jsonSchemaOf } from "../../runtime/core/registry.ts";
import { ACCESS, STREAMS } from "../access/access_table.ts";
import type { Scope } from "../../auth/api_keys.ts";
import type { App } from "../http/app_types.ts";
import { sampleOf } from "./example_value.ts";
import { problems } from "../wire/schemas.ts";

type Schema = Record<string, unknown>;
type Document = ReturnType<App["getOpenAPI31Document"]>;
type Paths = Record<string, Record<string, Operation>>;

interface Operation {
  security: Record<string, Scope[]>[];
  responses: Record<number, unknown>;
}

export function openapiDocument(app: App, runtime: Runtime): Document {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Errand",
      version: "1",
      description:
        "POST a task, get a durable future: poll it, wait for it, or stream results as they complete.",
    },
  });
  const schemas = document.components!.schemas as Record<string, Schema>;
  describeSubmissions(schemas, runtime);
  addExamples(document, runtime);
  addAccess(document);
  return document;
}

/** Who may call what, and what everybody else is told. */
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
      const said = problems({
        401: `unauthorized: no API key, or a wrong one${byTicket ? "; or the ticket is not good here" : ""}`,
        403: `forbidden: the key lacks ${needs.join(" or ")}; or, without API keys, another machine calls`,
      });
      const headers = { "WWW-Authenticate": { schema: { type: "string" as const } } };
      operation.responses[401] = { ...said[401], headers };
      operation.responses[403] = said[403];
    }
  }
}

/** Replaces the general submission by one schema for each definition, told apart by `task`. */
function describeSubmissions(schemas: Record<string, Schema>, runtime: Runtime): void {
  const general = schemas.Submission as { properties: Record<string, Schema> } & Schema;
  const mapping: Record<string, string> = {};
  for (const definition of runtime.registry.all()) {
    const name = `Submit.${definition.name}`;
    mapping[definition.name] = `#/components/schemas/${name}`;
    schemas[name] = {
      ...general,
      title: definition.name,
      description: definition.description,
      required: ["task", "input"],
      properties: {
        ...general.properties,
        task: { type: "string", enum: [definition.name] },
        input: jsonSchemaOf(definition.input, "input"),
      },
    };
  }
  schemas.Submission = {
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName: "task", mapping },
  };
}

/** One body for each definition, to choose from and try. */
function addExamples(document: Document, runtime: Runtime): void {
  const body = document.paths!["/v1/tasks"].post!.requestBody as { content: Record<string, Schema> };
  body.content["application/json"].examples = Object.fromEntries(
    runtime.registry.all().map(({ name, description, input }) => {
      return [name, {
        summary: description ?? name,
        value: { task: name, input: sampleOf(jsonSchemaOf(input, "input")) },
      }];
    }),
  );
}
