// A real database whose commits can be made ambiguous: applied or not, answered or not.

export type Mishap =
  /** Applied, but the answer is lost. */
  | "applied, throws"
  /** Not applied, and the caller is told by an exception only. */
  | "lost, throws"
  /** Applied, but reported as a failed check. */
  | "applied, not ok"
  /** Not answered; applied when the test says so. */
  | "late";

export const MISHAPS: Mishap[] = ["applied, throws", "lost, throws", "applied, not ok"];

export class FaultyKv {
  /** What becomes of the next commits, in order; after these all is well. */
  readonly next: Mishap[] = [];
  /** Called before the answer of a commit with a mishap. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();
  /** Each applies a late commit, if what it checks is so then. */
  readonly late: (() => Promise<Deno.KvCommitResult | Deno.KvCommitError>)[] = [];
  commits = 0;
  /** Of commits without a mishap. */
  answers = 0;

  wrap = (kv: Deno.Kv): Deno.Kv => {
    return new Proxy(kv, {
      get: (target, name) => {
        if (name === "atomic") return () => this.#atomic(target.atomic());
        // deno-lint-ignore no-explicit-any
        const value = (target as any)[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

  #atomic(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const real = atomic.commit.bind(atomic);
    atomic.commit = async () => {
      this.commits++;
      const mishap = this.next.shift();
      if (!mishap) return await real().finally(() => this.answers++);
      if (mishap === "late") this.late.push(real);
      else if (mishap !== "lost, throws") await real();
      await this.meanwhile();
      if (mishap === "applied, not ok") return { ok: false };
      throw new Error(`a mishap: ${mishap}`);
    };
    return atomic;
  }
}
