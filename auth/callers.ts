// The callers that a process knows, with what each of them uses and may use. Where there are others, one
// takes at most a share of what all of them may have: half, unless a quota or the settings say otherwise.

import type { Caller } from "../runtime/core/caller.ts";
import { type Counted, type Quotas, Usage, type Usages } from "../runtime/core/usage.ts";
import type { QuotaRule } from "./quota_store.ts";

const SHARE = 0.5;

type Named = Pick<Caller, "name" | "tenant">;

export class Callers implements Usages {
  onChange?: () => void;
  readonly #usages = new Map<string, Usage>();
  /** By tenant and name. */
  readonly #known = new Map<string, Map<string, readonly Usage[]>>();
  #rules = new Map<string, Quotas>();

  /** @param freshen looks whether keys or quotas have changed, if that is due; null if it is not */
  constructor(private readonly freshen: () => Promise<void> | null, private readonly share: number = SHARE) {}

  /** See {@linkcode Usages}. Whoever only runs tasks looks at the keys because of it. */
  of(caller: Named): readonly Usage[] {
    this.freshen()?.catch(() => {});
    return this.known(caller);
  }

  known({ name, tenant }: Named): readonly Usage[] {
    if (name === null) return [];
    let names = this.#known.get(tenant);
    if (!names) this.#known.set(tenant, names = new Map());
    let usages = names.get(name);
    if (!usages) {
      const own = this.#usage({ kind: "key", name, tenant });
      usages = tenant === "" ? [own] : [own, this.#usage({ kind: "tenant", name: tenant, tenant })];
      names.set(name, usages);
    }
    return usages;
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
      const isAlone = usage.of.kind === "key"
        ? keys.size === 1 && keys.has(id)
        : tenants.size === 1 && tenants.has(usage.of.tenant);
      usage.allow(this.#rules.get(id) ?? {}, isAlone ? 1 : this.share);
    }
    this.onChange?.();
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
