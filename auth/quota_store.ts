// The quotas in the database. A change of one changes also the entry by which every process notices that its
// keys have changed.

import { ConflictError, UnavailableError } from "../runtime/core/errors.ts";
import type { Counted, Quotas } from "../runtime/core/usage.ts";
import { type Clock, type KvPort, serviceKeys } from "../runtime/mod.ts";

export interface QuotaRule extends Counted {
  quotas: Quotas;
  changedAt: number;
  /** The name of the key that changed it. */
  changedBy: string | null;
}

const MOST_RULES = 2_000;

export class QuotaStore {
  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  async list(): Promise<QuotaRule[]> {
    const found = await this.kv.list<QuotaRule>({ prefix: serviceKeys.quotas }, { limit: MOST_RULES });
    return found.map(({ value }) => value);
  }

  /** @throws {ConflictError} if there are too many */
  async set(of: Counted, quotas: Quotas, changedBy: string | null): Promise<QuotaRule> {
    const key = keyOf(of);
    const isNew = (await this.kv.get(key)).versionstamp === null;
    const count = isNew ? (await this.list()).length : 0;
    if (count >= MOST_RULES) {
      throw new ConflictError(`there are ${count} quotas, and at most ${MOST_RULES} may be: remove some`);
    }
    const { kind, name, tenant } = of;
    const rule: QuotaRule = { kind, name, tenant, quotas, changedAt: this.clock.now(), changedBy };
    await this.#commit(key, rule);
    return rule;
  }

  /** Returns false if there was none. */
  async remove(of: Counted): Promise<boolean> {
    const key = keyOf(of);
    if ((await this.kv.get(key)).versionstamp === null) return false;
    await this.#commit(key, undefined);
    return true;
  }

  async #commit(key: Deno.KvKey, value: QuotaRule | undefined): Promise<void> {
    const now = this.clock.now();
    // The last change holds, whoever makes it.
    const atomic = this.kv.atomic();
    this.kv.write(atomic, { key, value }, now);
    atomic.set(serviceKeys.apiKeysVersion, now);
    await this.kv.commit(atomic).catch((error) => {
      throw new UnavailableError("the database did not answer: look at the list of quotas", { cause: error });
    });
  }
}

function keyOf({ kind, tenant, name }: Counted): Deno.KvKey {
  return serviceKeys.quota(kind, tenant, name);
}
