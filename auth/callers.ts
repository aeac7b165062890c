// The callers that a process knows, with what each of them uses and may use. Where there are others, one
// takes at most a share of what all of them may have: half, unless a quota or the settings say otherwise.

import type { Caller } from "../runtime/core/caller.ts";
import { type Counted, type Quotas, Usage } from "../runtime/core/usage.ts";
import type { QuotaRule } from "./quota_store.ts";

export const SHARE = 0.5;

export class Callers {
  readonly #usages = new Map<string, Usage>();
  #rules = new Map<string, Quotas>();

  constructor(private readonly share = SHARE) {}

  /** What counts for a caller: its key, and its tenant if it has one. */
  of({ name, tenant }: Caller): readonly Usage[] {
    if (name === null) return [];
    const own = this.#usage({ kind: "key", name, tenant });
    return tenant === "" ? [own] : [own, this.#usage({ kind: "tenant", name: tenant, tenant })];
  }

  /** All that are counted. */
  get all(): Usage[] {
    return [...this.#usages.values()];
  }

  /** @param live callers whose keys open something */
  update(rules: readonly QuotaRule[], live: readonly Caller[]): void {
    this.#rules = new Map(rules.map((rule) => [idOf(rule), rule.quotas]));
    const keys = new Set(live.map(({ name, tenant }) => idOf({ kind: "key", name: name!, tenant })));
    const tenants = new Set(live.map(({ tenant }) => tenant));
    for (const [id, usage] of this.#usages) {
      // What nobody else can use is all its own.
      const isAlone = usage.of.kind === "key" ? keys.size === 1 && keys.has(id) : tenants.size === 1;
      usage.allow(this.#rules.get(id) ?? {}, isAlone ? 1 : this.share);
    }
  }

  #usage(of: Counted): Usage {
    const id = idOf(of);
    const known = this.#usages.get(id);
    if (known) return known;
    const usage = new Usage(of);
    usage.allow(this.#rules.get(id) ?? {}, this.share);
    this.#usages.set(id, usage);
    return usage;
  }
}

function idOf({ kind, name, tenant }: Counted): string {
  return `${kind}/${tenant}/${name}`;
}
