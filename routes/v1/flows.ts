// POST /v1/flows: a graph of tasks in one submit, all of it or nothing.

import { createRoute, z } from "@hono/zod-openapi";
import {
  type CompiledFlow,
  compileFlow,
  flowSchema,
  type FlowSpec,
  type Runtime,
} from "../../runtime/mod.ts";
import { pointer } from "../../runtime/core/json.ts";
import { jsonBody } from "../http/body.ts";
import { prefixOf } from "../http/prefix.ts";
import { idempotencyOf, replayHeader } from "./idempotency.ts";
import { type PointerAsSent, pointerOfSubmission, pointingAsSent } from "../http/pointers.ts";
import { bodyProblems, idempotencyHeader, jsonAnswer, problems } from "../wire/schemas.ts";
import { mostBytesOfMany, submittedSchema, submittedTexts } from "../wire/submitted_json.ts";
import type { App } from "../http/app_types.ts";
import { jsonResponse } from "../http/json_response.ts";
import { type Text } from "../http/json_response.ts";

const answer = z.object({
  groupId: z.uuid(),
  tasks: z.record(z.string(), submittedSchema).describe("By their names."),
  result: z.unknown().describe('What the whole hands on, with {"$task": id} for each result.'),
}).openapi("FlowSubmitted");

export function flowRoutes(app: App, runtime: Runtime): void {
  const flows = createRoute({
    method: "post",
    path: "/v1/flows",
    operationId: "submitFlow",
    summary: "Submit a graph of tasks, all of it or nothing",
    tags: ["submit"],
    middleware: jsonBody({ limitBytes: mostBytesOfMany(runtime) }),
    request: {
      headers: idempotencyHeader,
      body: { required: true, content: { "application/json": { schema: flowSchema } } },
    },
    responses: {
      202: jsonAnswer(answer, "All are on disk and will run", ["Location"]),
      ...problems({
        ...bodyProblems,
        409: "The same Idempotency-Key is under way",
        422: "validation-failed (with the way round, if it is a cycle), unknown-definition or " +
          "idempotency-mismatch: see errors",
        429: "queue-full",
      }),
    },
  });
  app.openapi(flows, async (c) => {
    const spec = c.req.valid("json");
    const { root, draw } = runtime.newIds();
    const flow = compileFlow(spec, draw);
    const idempotency = await idempotencyOf(c, await c.req.text());
    const made = await pointingAsSent(asSent(spec, flow), () =>
      runtime.submit({
        submissions: flow.submissions,
        pointerOf: pointerOfSubmission,
        group: true,
        whole: true,
        root,
        idempotency,
      }));
    const { ids, groupId, replayed } = made;
    const prefix = prefixOf(c);
    const texts = await submittedTexts(runtime, made, prefix);
    const tasks = texts.map((text, i) => `${JSON.stringify(flow.names[i])}:${text}`);
    const text = `{"groupId":"${groupId}","tasks":{${tasks.join(",")}},"result":${resultText(flow, ids)}}`;
    return jsonResponse(text, 202, { ...replayHeader(replayed), location: `${prefix}/v1/groups/${groupId}` });
  });
}

/** A call that came before goes by the ids that were drawn for it then. */
function resultText({ submissions, result }: CompiledFlow, ids: string[]): Text {
  const stored = new Map(submissions.map(({ id }, i) => [id, ids[i]]));
  return JSON.stringify(result).replace(
    /"\$task":"([0-9a-f-]{36})"/g,
    (text, id: string) => text.replace(id, stored.get(id) ?? id),
  );
}

/** Where a part of a submission comes from, if it stands in the request under another name. */
function asSent(spec: FlowSpec, { submissions, pointers, pointerIn }: CompiledFlow): PointerAsSent {
  return (index, part) => {
    const at = pointers[index];
    const [, field] = /^\/input\/([^/]*)/.exec(part) ?? [];
    const into = valueAt(spec, `${at}/into`);
    if (typeof into === "string" && field === pointer([into]).slice(1)) return `${at}/into`;
    const [, place] = /^\/options\/waitFor\/(\d+)$/.exec(part) ?? [];
    if (place === undefined) return pointerIn(index, part);
    // What it waits for was put together from its own list, that of its options, and that of the flow's options.
    const id = submissions[index].options!.waitFor![Number(place)];
    for (const from of [`${at}/waitFor`, `${at}/options/waitFor`, "/options/waitFor"]) {
      const list = valueAt(spec, from);
      const found = Array.isArray(list) ? list.findIndex((text) => text.toLowerCase() === id) : -1;
      if (found >= 0) return `${from}/${found}`;
    }
    return at;
  };
}

function valueAt(flow: unknown, pointer: string): unknown {
  const keys = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return keys.reduce((at, key) => Object.hasOwn(Object(at), key) ? Object(at)[key] : undefined, flow);
}
