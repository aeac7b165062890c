// Which key a submission asks for, and by which rule: from its options, those of its definition, and its
// input.

import { canonicalJson } from "../../core/canonical_json.ts";
import type { AnyDefinition } from "../../core/define.ts";
import { resolveReferences } from "../../core/references.ts";
import type { Registry } from "../../core/registry.ts";
import { sha256 } from "../../core/sha256.ts";
import type { Submission } from "../../core/submission.ts";
import type { UniqueHold } from "../../core/task.ts";
import { isWaiting } from "../../core/wait_for.ts";
import {
  type DebounceDefaults,
  type DebounceOptions,
  type KeyOf,
  LONGEST_KEY,
  type UniqueDefaults,
  type UniqueOptions,
} from "../../core/unique_options.ts";
import type { ReadInput } from "../check_input.ts";

export interface UniqueRule {
  /** Of the key. */
  digest: string;
  while: UniqueHold["while"];
  forMs?: number;
  onConflict: UniqueOptions["onConflict"] & string | "postpone";
  /** With "postpone". */
  debounce?: { delayMs: number; maxDelayMs: number; input: "last" | "first" };
}

export interface CacheRule {
  /** Digest of the definition, its version, and the key. Undefined: it follows from what others result in. */
  key?: string;
  ttlMs: number;
  refresh: boolean;
  /** It is looked for when the task starts. */
  isLate?: boolean;
}

export interface RuledSubmission {
  definition: AnyDefinition;
  submission: Submission;
  input: ReadInput;
  registry: Registry;
  tenant: string;
  /** Told of what is wrong with it. */
  fault: (part: string, message: string) => void;
}

/** True for nearly all: neither they nor their definitions say anything of the kind. */
export function isPlain({ options }: Submission, { keyed }: AnyDefinition): boolean {
  return hasNone(keyed) && hasNone(options);
}

function hasNone(said: { unique?: unknown; debounce?: unknown; cache?: unknown } | undefined): boolean {
  return said === undefined ||
    said.unique === undefined && said.debounce === undefined && said.cache === undefined;
}

/** Undefined if it asks for no cache. */
export function cacheRuleOf(ruled: RuledSubmission): CacheRule | undefined {
  const { submission: { options = {}, chunk }, definition: { keyed = {}, version }, input } = ruled;
  const cache = merged(options.cache, keyed.cache);
  if (!cache || chunk && !options.cache) return undefined;
  const refresh = options.cache ? options.cache.refresh ?? false : false;
  const rule = { ttlMs: cache.ttlMs, refresh };
  // What others' results are is not known yet.
  if (input.references.length > 0 && typeof cache.key !== "string") return rule;
  const key = cache.key === undefined ? undefined : keyOf(ruled, cache.key, "cache");
  if (key === null) return undefined;
  return { ...rule, key: digestOf(ruled, `cache ${version ?? ""}`, key) };
}

/**
 * The key of a cached result, for a task whose input is known only when it starts. Null if its definition
 * gives this input none.
 *
 * @throws what the definition throws, or for a key that is none
 */
export function lateCacheKey(
  definition: AnyDefinition,
  tenant: string,
  value: unknown,
  registry: Registry,
): string | null {
  const own = definition.keyed?.cache?.key;
  const key = typeof own === "function"
    ? own({ input: registry.parseInput(definition, value) }) ?? null
    : own;
  if (key === null) return null;
  if (key !== undefined && !isKey(key)) throw new TypeError(`it ${keyRule(key)}`);
  const input = { text: JSON.stringify(value) };
  return digestOf({ definition, tenant, input }, `cache ${definition.version ?? ""}`, key);
}

/** Undefined if it asks for no key. */
export function ruleOf(ruled: RuledSubmission): UniqueRule | undefined {
  const { submission: { options = {} }, definition: { keyed = {} } } = ruled;
  // What a submit says itself stands in place of the other option of its definition.
  const unique = options.debounce ? undefined : merged(options.unique, keyed.unique);
  const debounce = options.unique ? undefined : merged(options.debounce, keyed.debounce);
  return debounce ? debounceRule(ruled, debounce) : unique ? uniqueRule(ruled, unique) : undefined;
}

function merged<T extends object, D extends object>(own: T | false | undefined, default_: D | undefined) {
  return own === false ? undefined : own === undefined ? default_ : { ...default_, ...own };
}

function uniqueRule(ruled: RuledSubmission, unique: UniqueOptions | UniqueDefaults): UniqueRule | undefined {
  const { while: how = "active", forMs, onConflict = "return" } = unique;
  // A chunk is the inputs of several tasks: what its definition says of one input is not about it.
  if (ruled.submission.chunk && !ruled.submission.options?.unique) return undefined;
  const key = unique.key === undefined ? undefined : keyOf(ruled, unique.key, "unique");
  if (key === null) return undefined;
  if (onConflict === "cancel" || onConflict === "replace") {
    refuseDependencies(ruled, `/options/unique/onConflict`, `onConflict "${onConflict}"`);
  }
  const rule: UniqueRule = { digest: digestOf(ruled, "unique", key), while: how, onConflict };
  if (how === "forMs") rule.forMs = forMs;
  return rule;
}

function debounceRule(
  ruled: RuledSubmission,
  debounce: DebounceOptions | DebounceDefaults,
): UniqueRule | undefined {
  const { options } = ruled.submission;
  if (ruled.submission.chunk && !options?.debounce) return undefined;
  const key = keyOf(ruled, debounce.key, "debounce");
  if (key === null) return undefined;
  for (const other of ["delayMs", "runAt"] as const) {
    if (options?.[other] === undefined) continue;
    ruled.fault(`/options/${other}`, "not together with debounce, which says when it starts");
  }
  refuseDependencies(ruled, "/options/debounce", "debounce");
  return debounceRuleOf(digestOf(ruled, "debounce", key), debounce);
}

export function debounceRuleOf(
  digest: string,
  { delayMs, maxDelayMs = 10 * delayMs, input = "last" }: Omit<DebounceOptions, "key">,
): UniqueRule {
  return { digest, while: "waiting", onConflict: "postpone", debounce: { delayMs, maxDelayMs, input } };
}

/** What it waits for is said once, at its submit: a later one cannot change it. */
function refuseDependencies({ submission, input, fault }: RuledSubmission, part: string, what: string): void {
  if (input.references.length === 0 && !isWaiting(submission.options?.waitFor)) return;
  fault(part, `${what} is not for a task that waits for others, by waitFor or by its input`);
}

/** Null if its definition gives this input no key. */
function keyOf(ruled: RuledSubmission, key: KeyOf<unknown>, option: string): string | null {
  if (typeof key === "string") return key;
  const { definition, submission, input, registry, fault } = ruled;
  const what = `the ${option} key that definition "${definition.name}" makes of it`;
  if (input.references.length > 0) {
    fault("/input", `${what} is not known before the tasks that it refers to: give options.${option}.key`);
    return null;
  }
  try {
    const value = submission.input === undefined ? {} : submission.input;
    const plain = input.special ? resolveReferences(value, () => null) : value;
    const made = key({ input: registry.parseInput(definition, plain) });
    if (made === null || made === undefined) return null;
    if (isKey(made)) return made;
    fault("/input", `${what} ${keyRule(made)}`);
  } catch (error) {
    fault("/input", `${what} could not be made: ${error instanceof Error ? error.message : error}`);
  }
  return null;
}

function isKey(made: unknown): made is string {
  return typeof made === "string" && made.length >= 1 && made.length <= LONGEST_KEY;
}

function keyRule(made: unknown): string {
  const got = typeof made === "string" ? `${made.length}` : `a ${typeof made}`;
  return `must have 1 to ${LONGEST_KEY} characters (got ${got})`;
}

type Digested = Pick<RuledSubmission, "definition" | "tenant"> & { input: Pick<ReadInput, "text"> };

/** A digest: keys of users may be long, and hold what nobody else should read in a list of keys. */
function digestOf({ definition, input, tenant }: Digested, kind: string, key?: string): string {
  const of = key === undefined ? [canonicalJson(input.text)] : [null, key];
  const text = JSON.stringify([kind, tenant, definition.name, ...of]);
  return sha256().update(text).digest("hex").slice(0, 32);
}

/** What the record keeps of it. */
export function holdOf({ digest, while: how, forMs }: UniqueRule, now: number): UniqueHold {
  return how === "forMs" ? { key: digest, while: how, until: now + forMs! } : { key: digest, while: how };
}
