// A task of a flow on its way from the flow to a submission.

import type { Json } from "../../core/define.ts";
import type { Fault } from "../../core/errors.ts";
import { pointer as pointerTo } from "../../core/json.ts";
import { MOST_TAGS, type Submission, type SubmitOptions } from "../../core/submission.ts";
import type { Named, Names, Part } from "./names.ts";
import { mergedRetry } from "../../core/retry.ts";
import { namedIn, type WaitItem, waitItems } from "../../core/wait_for.ts";
import type { Signature } from "./schema.ts";

/** What an element of a flow passes on to the next one. */
export interface Output {
  value: Json;
  /** Tasks that must have completed before the value is there. */
  tasks: FlowNode[];
  /** Those of them to which the value does not refer. */
  unreferenced: FlowNode[];
}

export interface FlowNode extends Named {
  readonly signature: Signature;
  /** Its input; that of a chunk has one part for each call of the function. */
  readonly parts: Part[];
  readonly chunk: boolean;
  /** What the element before it passes on. */
  readonly previous: Output | null;
  /** Tasks of the flow that it names itself. */
  readonly named: FlowNode[];
  /** Where the items of its submission's `waitFor` stand in the flow. */
  readonly waitPointers: string[];
}

/** All tasks of the flow that a node waits for. */
export function upstreamsOf({ previous, named }: FlowNode): FlowNode[] {
  return previous ? [...previous.tasks, ...named] : named;
}

/** @param defaults options of the flow. */
export function submissionOf(
  node: FlowNode,
  names: Names<FlowNode>,
  defaults: SubmitOptions | undefined,
): Submission {
  const { signature, id, name, previous, parts, chunk, named } = node;
  const [first, ...others] = parts.map((part) => names.withIds(part, named));
  const input = chunk ? [first, ...others] : withPrevious(first, signature, previous);
  const options = mergedOptions(defaults, signature.options);
  if (signature.allowFailure !== undefined) options.allowFailure = signature.allowFailure;
  const waits = waitsOf(node, names, defaults);
  if (waits.length > 0) {
    options.waitFor = waits.map(({ item }) => item);
    node.waitPointers.splice(0, node.waitPointers.length, ...waits.map(({ pointer }) => pointer));
  }
  return {
    id,
    task: signature.task,
    node: name,
    ...(input === undefined ? {} : { input }),
    ...(chunk ? { chunk } : {}),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

/** Those that it names, those of its options or of the flow's, and those before it that it must wait for. */
function waitsOf(
  { signature, pointer, previous, named }: FlowNode,
  names: Names<FlowNode>,
  defaults: SubmitOptions | undefined,
): { item: WaitItem; pointer: string }[] {
  const own = names.idsOf(signature.waitFor, `${pointer}/waitFor`, named);
  const inOptions = (options: SubmitOptions | undefined, at: string) =>
    waitItems(options?.waitFor).map((one) => ({ ...one, pointer: `${at}/options/waitFor${one.pointer}` }));
  const isOwn = signature.waitFor !== undefined || signature.options?.waitFor !== undefined;
  const given = isOwn ? [...own, ...inOptions(signature.options, pointer)] : inOptions(defaults, "");
  const ids = new Set(namedIn(given.map(({ item }) => item)).map(({ id }) => id));
  // What is named with a condition is waited for by it.
  const before = (signature.immutable ? previous?.tasks : previous?.unreferenced) ?? [];
  const rest = before.flatMap(({ id }) => ids.has(id) ? [] : { item: id, pointer });
  const seen = new Set<WaitItem>();
  return [...given, ...rest].filter(({ item }) => !seen.has(item) && seen.add(item));
}

function withPrevious(input: unknown, { into, immutable }: Signature, previous: Output | null): unknown {
  if (previous === null || immutable) return input;
  return into === undefined ? previous.value : { ...input as object, [into]: previous.value };
}

/**
 * A task's own options win over defaults, and over defaults that say the same in another way. It has its own
 * tags and those of the flow.
 */
function mergedOptions(defaults: SubmitOptions = {}, own: SubmitOptions = {}): SubmitOptions {
  const options = { ...defaults, ...own };
  if (defaults.retry && own.retry) options.retry = mergedRetry(defaults.retry, own.retry);
  if (defaults.tags && own.tags) options.tags = [...new Set([...own.tags, ...defaults.tags])];
  for (const [one, other] of [["delayMs", "runAt"], ["ttlMs", "expiresAt"]] as const) {
    if (own[one] !== undefined) delete options[other];
    if (own[other] !== undefined) delete options[one];
  }
  return options;
}

/** What is wrong with the options of a task together with those of the flow. */
export function optionFaults({ options }: Submission, { signature, pointer }: FlowNode): Fault[] {
  const count = options?.tags?.length ?? 0;
  if (count <= MOST_TAGS) return [];
  const own = signature.options?.tags?.length ?? 0;
  const message = `a task has at most ${MOST_TAGS} tags; its ${own} and those of the flow are ${count}`;
  return [{ pointer: `${pointer}/options/tags`, message }];
}

/** What is wrong with how a signature takes what the previous element passes on. */
export function signatureFaults(
  { input, into, immutable }: Signature,
  at: string,
  previous: Output | null,
): Fault[] {
  if (into === undefined) {
    if (previous === null || input === undefined || immutable) return [];
    const message =
      'it has an input of its own, and gets what comes before it: say which field that goes "into", ' +
      'or with "immutable": true that it only waits';
    return [{ pointer: `${at}/input`, message }];
  }
  const fault = (message: string): Fault[] => [{ pointer: `${at}/into`, message }];
  if (previous === null) return fault("nothing comes before it that could be handed on");
  if (immutable) return fault('not together with "immutable": then nothing is handed on');
  if (input === undefined) return [];
  const isFields = typeof input === "object" && input !== null && !Array.isArray(input) &&
    !Object.hasOwn(input, "$task") && !Object.hasOwn(input, "$quote");
  if (!isFields) {
    const message = `must be an object of fields, as "into" adds the field "${into}"`;
    return [{ pointer: `${at}/input`, message }];
  }
  return Object.hasOwn(input, into) ? fault(`its input has a field "${into}" of its own already`) : [];
}

/** JSON Pointer into the flow for a part of the node's submission. */
export function pointerInFlow(
  { pointer, signature, chunk, parts, waitPointers }: FlowNode,
  part: string,
): string {
  const [, nth, inItem] = /^\/options\/waitFor\/(\d+)(.*)$/.exec(part) ?? [];
  if (nth !== undefined) return waitPointers[Number(nth)] + inItem;
  const [isInput, key, rest] = /^\/input(?:\/([^/]*)(.*))?$/s.exec(part) ?? [];
  if (isInput === undefined) return pointer + part;
  if (chunk) return key === undefined ? `${pointer}/inputs` : parts[Number(key)].pointer + rest;
  const { into } = signature;
  return into !== undefined && key === pointerTo([into]).slice(1) ? `${pointer}/into` : pointer + part;
}
