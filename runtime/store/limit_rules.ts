// What operators say of limits: rules with patterns. They are read when a limit is first used, in a commit
// that checks that they have not changed since; a change tells all limits there are (flow_control/).

import { fairnessKeyOf } from "../core/fairness.ts";
import { isImposed } from "../core/imposed_limits.ts";
import { limitOf } from "../core/limits.ts";
import type { Rate } from "../core/rate_limit.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";

export interface LimitRule {
  /** `*` stands for any characters but `/`. */
  pattern: string;
  /** At most so many tasks with one key at once. Null: it does not limit them. */
  concurrency: number | null;
  /** So many of them start in a period. Null: it does not limit them. */
  rateLimit: Rate | null;
  note: string | null;
  /** Milliseconds since the epoch. */
  changedAt: number;
  /** The name of the key that has changed it; null for anybody. */
  changedBy: string | null;
}

/** The rules that are in force for a limit, each the most specific one that says something of it. */
export interface RulesInForce {
  rule?: { pattern: string; limit: number };
  rateRule?: Rate & { pattern: string };
}

/** All rules of a tenant. They stand under one key, so its version says whether any has changed. */
export interface RuleBook {
  rules: LimitRule[];
  check: Deno.AtomicCheck;
}

export class LimitRules {
  readonly #books = new Map<string, RuleBook>();

  constructor(private readonly kv: KvPort) {}

  async read(tenant: string): Promise<RuleBook> {
    const key = keys.limitRules(tenant);
    const { value, versionstamp } = await this.kv.get<LimitRule[]>(key);
    const book = { rules: value ?? [], check: { key, versionstamp } };
    this.#books.set(tenant, book);
    return book;
  }

  /** As they were read last, for a commit that checks them. */
  async known(tenant: string): Promise<RuleBook> {
    return this.#books.get(tenant) ?? await this.read(tenant);
  }

  distrust(): void {
    this.#books.clear();
  }
}

export function rulesFor(rules: readonly LimitRule[], name: string): RulesInForce {
  const { key } = limitOf(name);
  if (fairnessKeyOf(key) !== null || isImposed(key)) return {};
  const fitting = rules.filter(({ pattern }) => matches(pattern, key));
  const limiting = mostSpecific(fitting.filter(({ concurrency }) => concurrency !== null));
  const pacing = mostSpecific(fitting.filter(({ rateLimit }) => rateLimit !== null));
  return {
    ...(limiting && { rule: { pattern: limiting.pattern, limit: limiting.concurrency! } }),
    ...(pacing && { rateRule: { pattern: pacing.pattern, ...pacing.rateLimit! } }),
  };
}

/** The one with the most characters that are no `*`. */
function mostSpecific(rules: LimitRule[]): LimitRule | undefined {
  return rules.reduce<LimitRule | undefined>((best, rule) => {
    return best === undefined || isMoreSpecific(rule.pattern, best.pattern) ? rule : best;
  }, undefined);
}

/** Without regular expressions: a pattern is a caller's, and may have many stars. */
export function matches(pattern: string, key: string): boolean {
  const [patternParts, keyParts] = [pattern.split("/"), key.split("/")];
  return patternParts.length === keyParts.length && patternParts.every((part, i) => fits(part, keyParts[i]));
}

/** The pieces between the stars follow each other. */
function fits(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function isMoreSpecific(a: string, b: string): boolean {
  const [ofA, ofB] = [a.replaceAll("*", "").length, b.replaceAll("*", "").length];
  return ofA !== ofB ? ofA > ofB : a < b;
}
