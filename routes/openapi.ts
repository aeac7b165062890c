// The OpenAPI 3.1 document: generated from the routes, with the body of a submit described per definition.

import type { Runtime } from "../runtime/mod.ts";
import { jsonSchemaOf } from "../runtime/registry.ts";
import type { App } from "./surface.ts";
import { sampleOf } from "./sample.ts";

type Schema = Record<string, unknown>;
type Document = ReturnType<App["getOpenAPI31Document"]>;

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
  return document;
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
