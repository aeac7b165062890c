// A database whose keys expire by a test's own clock. Deno KV's keys go by the time of the machine.

import type { Clock } from "../../runtime/platform/clock.ts";

export class ExpiringKv {
  readonly #expiries = new Map<string, { key: Deno.KvKey; at: number }>();
  #kv!: Deno.Kv;
  clock!: Clock;

  wrap = (kv: Deno.Kv): Deno.Kv => {
    this.#kv = kv;
    return new Proxy(kv, {
      get: (target, name) => {
        if (name === "atomic") return () => this.#atomic(target.atomic());
        // deno-lint-ignore no-explicit-any
        const value = (target as any)[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

  /** Removes what has expired by now. */
  async expire(): Promise<void> {
    const now = this.clock.now();
    for (const [name, { key, at }] of this.#expiries) {
      if (at > now) continue;
      await this.#kv.delete(key);
      this.#expiries.delete(name);
    }
  }

  #atomic(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const set = atomic.set.bind(atomic);
    atomic.set = (key, value, options) => {
      const name = JSON.stringify(key);
      if (options?.expireIn === undefined) this.#expiries.delete(name);
      else this.#expiries.set(name, { key, at: this.clock.now() + options.expireIn });
      set(key, value);
      return atomic;
    };
    return atomic;
  }
}
