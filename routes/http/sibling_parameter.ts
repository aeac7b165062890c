// A parameter that one path of a family knows, and another does not: whoever gives it to the wrong one is
// told the right one.

import type { RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import type { Fault } from "../../runtime/core/errors.ts";
import { pointer } from "../../runtime/core/json.ts";

/**
 * Faults of a query, in which parameters of other operations are told where they belong.
 *
 * @param operations all that there are
 */
export function toldWhere(
  faults: Fault[],
  { issues }: z.ZodError,
  operations: readonly RouteConfig[],
  path: string,
): Fault[] {
  const unknown = issues.flatMap((issue) => issue.code === "unrecognized_keys" ? issue.keys : []);
  return faults.map((fault) => {
    // Its own operation knows better.
    if (fault.message.includes(" belongs ")) return fault;
    const name = unknown.find((key) => fault.pointer.endsWith(pointer([key])));
    const owners = name === undefined ? [] : ownersOf(name, operations, path);
    if (owners.length === 0) return fault;
    return { ...fault, message: `unknown field; ${name} belongs to ${owners.join(" or ")}` };
  });
}

/** `/v1/groups` of `/v1/groups/{id}/results`. */
function familyOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}

function ownersOf(name: string, operations: readonly RouteConfig[], path: string): string[] {
  const owners = operations.filter((operation) => {
    const query = operation.request?.query as z.ZodObject | undefined;
    return familyOf(operation.path) === familyOf(path) && query && Object.hasOwn(query.shape, name);
  });
  return owners.map((owner) => `${owner.method.toUpperCase()} ${owner.path}`);
}
