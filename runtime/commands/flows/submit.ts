// Submits flows and maps: each is one call, and its tasks are a group.

import type { Caller } from "../../core/caller.ts";
import type { Json } from "../../core/define.ts";
import { referTo } from "../../core/references.ts";
import type { Turns } from "../../platform/turns.ts";
import type { Idempotency } from "../idempotency.ts";
import type { SubmitCall, Submitted, Submitter } from "../submit.ts";
import { compileFlow } from "./compiler.ts";
import { expandMap, type MapSpec } from "./map.ts";
import type { FlowSpec } from "./schema.ts";

export interface SubmittedFlow extends Submitted {
  /** The names of the tasks, in their order. */
  names: string[];
  /** What the flow as a whole passes on, as references. */
  result: Json;
}

export interface FlowCall extends Pick<SubmitCall, "idempotency" | "caller" | "guard"> {
  /** The task in whose place the flow is. */
  parentId?: string;
}

/**
 * See {@linkcode Submitter.submit}.
 *
 * @throws {ValidationError} also for what is wrong with the flow, by pointers into it.
 */
export async function submitFlow(
  { submitter, store: { turns } }: { submitter: Submitter; store: { turns: Turns } },
  spec: FlowSpec,
  { parentId, ...call }: FlowCall = {},
): Promise<SubmittedFlow> {
  const submitted = await submitter.submit({
    batch: async (newId) => {
      const flow = await compileFlow(spec, newId, turns.begin());
      if (parentId === undefined) return flow;
      return { ...flow, submissions: flow.submissions.map((each) => ({ ...each, parentId })) };
    },
    group: true,
    policy: spec.options?.group,
    atomic: true,
    ...call,
  });
  const { as, batch: { names, result } } = submitted;
  const passedOn = as.size === 0 ? result : referTo(structuredClone(result), (id) => as.get(id) ?? id);
  return { ...submitted, names, result: passedOn as Json };
}

/**
 * See {@linkcode Submitter.submit} and {@linkcode expandMap}.
 *
 * @throws {UnknownDefinitionError} also if there is nothing to map over.
 */
export async function submitMap(
  submitter: Submitter,
  turns: Turns,
  spec: MapSpec,
  idempotency?: Idempotency,
  caller?: Caller,
): Promise<Submitted> {
  const { maxConcurrent } = spec;
  return await submitter.submit({
    batch: await expandMap(spec, turns.begin()),
    group: true,
    policy: spec.options?.group,
    maxConcurrent,
    idempotency,
    caller,
  });
}
