// A database that takes its time, like a server on a slow network, and knows which of its calls are under
// way.

import { Random } from "./random.ts";
import { turn } from "./waiting.ts";

const MOST_TURNS = 4;

export class SlowKv {
  /** What the calls under way do. */
  readonly underWay = new Set<{ what: string }>();
  readonly #random: Random;

  /** @param mostChecks in one commit: what tells a server from a file */
  constructor(seed: number, private readonly mostChecks: number) {
    this.#random = new Random(seed);
  }

  wrap = (kv: Deno.Kv): Deno.Kv => {
    const slow = {
      get: (key: Deno.KvKey) => this.#call(`get ${key.join("/")}`, () => kv.get(key)),
      getMany: (keys: Deno.KvKey[]) => {
        return this.#call(`getMany ${keys.map((key) => key.join("/"))}`, () => kv.getMany(keys));
      },
      list: (selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
        const listed = () => Array.fromAsync(kv.list(selector, options));
        const called = () => this.#call(`list ${JSON.stringify(selector)}`, listed);
        return {
          async *[Symbol.asyncIterator]() {
            yield* await called();
          },
        };
      },
      atomic: () => this.#atomic(kv.atomic()),
    };
    return new Proxy(kv, {
      get: (target, name) => {
        if (name in slow) return slow[name as keyof typeof slow];
        // deno-lint-ignore no-explicit-any
        const value = (target as any)[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

  #atomic(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const check = atomic.check.bind(atomic);
    const commit = atomic.commit.bind(atomic);
    let checks = 0;
    atomic.check = (...all) => {
      checks += all.length;
      return check(...all);
    };
    atomic.commit = () => {
      if (checks > this.mostChecks) return Promise.reject(new TypeError("too many checks"));
      return this.#call("commit", commit);
    };
    return atomic;
  }

  async #call<T>(what: string, work: () => Promise<T>): Promise<T> {
    const call = { what };
    this.underWay.add(call);
    try {
      for (let turns = this.#random.below(MOST_TURNS); turns > 0; turns--) await turn();
      const answer = await work();
      for (let turns = this.#random.below(MOST_TURNS); turns > 0; turns--) await turn();
      return answer;
    } finally {
      this.underWay.delete(call);
    }
  }
}
