// Those who order bulk actions, and run ended tasks anew. Only some worlds have them, and what they draw is
// drawn apart, so that the other worlds stay what they are.

import { BULK_ACTIONS, type BulkRequest } from "../../runtime/mod.ts";
import { callerWithin } from "../../runtime/core/caller.ts";
import { ConflictError, ForgottenError, NotFoundError } from "../../runtime/core/errors.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { Runtime } from "../../runtime/mod.ts";
import type { TaskFilter } from "../../runtime/queries/list_filter.ts";
import { Random } from "../support/random.ts";
import type { ControllingWorld } from "./controls.ts";
import { FAULTY_MS } from "./faults.ts";

type View = ReturnType<Runtime["for"]>;

const FILTERS: Record<BulkRequest["action"], readonly TaskFilter[]> = {
  cancel: [{ tag: "red" }, { task: "crunch" }, { states: ["SCHEDULED"] }, {
    task: "work",
    states: ["PENDING"],
  }],
  priority: [{}, { task: "work" }, { tag: "blue" }, { states: ["PENDING"] }, { states: ["SCHEDULED"] }],
  retry: [{}, { task: "work" }, { states: ["CANCELLED"], tag: "red" }],
  delete: [{ tag: "blue" }, { states: ["FAILED", "CRASHED"] }],
};

/** Tasks that callers know of. */
export interface Acknowledged {
  readonly ids: readonly string[];
  /** Those that wait for nobody. */
  readonly freeIds: readonly string[];
}

export class Operators {
  readonly isIn: boolean;
  readonly #random: Random;
  #working = 0;

  constructor(
    private readonly world: ControllingWorld,
    seed: number,
    private readonly tasks: Acknowledged,
  ) {
    this.isIn = seed % 4 === 0;
    this.#random = new Random(seed + 2 ** 42);
  }

  get isOver(): boolean {
    return this.#working === 0;
  }

  start(): void {
    if (!this.isIn) return;
    for (let n = 4 + this.#random.below(6); n > 0; n--) {
      const story = this.#random.chance(0.3)
        ? () => this.#rerun(`rerun ${n}`)
        : () => this.#order(`bulk ${n}`);
      this.#working++;
      this.world.scheduler.after(this.#random.float() * FAULTY_MS, () => {
        story().catch((error) => {
          const what = error instanceof Error ? error.stack : error;
          this.world.checker.violated("caller", `who operates got ${what}`);
        }).finally(() => this.#working--);
      });
    }
  }

  async #order(name: string): Promise<void> {
    const action = this.#random.pick([...BULK_ACTIONS, "priority", "cancel"] as const);
    const ids = this.#some(this.tasks.ids);
    const isByIds = this.#random.chance(0.5) && ids.length > 0;
    const request: BulkRequest = {
      action,
      which: isByIds ? { ids: ids.map(bare) } : { filter: this.#random.pick(FILTERS[action]) },
      graceMs: this.#random.pick([0, 50, 500]),
      ...action === "priority" && { priority: this.#random.below(7) - 3 },
      ...action === "cancel" && { reason: name },
    };
    const id = await this.#twice(name, async (view) => {
      return (await view.operation.bulk(request, { key: name, fingerprint: name })).ids[0];
    });
    if (id === null) return;
    this.world.note("operator", `orders ${name} as ${this.world.nameOf(id)}: ${JSON.stringify(request)}`);
    this.world.checker.isThere(id, "right after its order", this.world.checker.wasStored(id));
  }

  async #rerun(name: string): Promise<void> {
    const [id] = this.#some(this.tasks.freeIds);
    if (id === undefined) return;
    this.world.checker.bulk.askedRerun(id, name);
    const again = await this.#twice(name, async (view) => {
      return (await view.rerun(bare(id), { idempotency: { key: name, fingerprint: name } })).ids[0];
    });
    if (again === null) return;
    this.world.note("operator", `runs ${this.world.nameOf(id)} anew as ${this.world.nameOf(again)}`);
    this.world.checker.isThere(again, "right after its rerun", this.world.checker.wasStored(again));
  }

  #some(ids: readonly string[]): string[] {
    if (ids.length === 0) return [];
    return [...new Set(Array.from({ length: 1 + this.#random.below(8) }, () => this.#random.pick(ids)))];
  }

  /** The same call may be made once more: its answer is that of the first one. */
  async #twice(name: string, work: (view: View) => Promise<string>): Promise<string | null> {
    const id = await this.#insist(work);
    const again = this.#random.chance(0.3) ? await this.#insist(work) : null;
    if (id !== null && again !== null && again !== id) {
      const [first, second] = [id, again].map((one) => this.world.nameOf(one));
      this.world.checker.violated("2", `${name} became ${first}, and then ${second}`);
    }
    return id;
  }

  /** Asks until it is done; null if that is refused. */
  async #insist<T>(work: (view: View) => Promise<T>): Promise<T | null> {
    const caller = callerWithin(this.world.tenant);
    let tries = 0;
    for (;;) {
      const process = this.world.someProcess();
      try {
        if (process) return await process.call((runtime) => work(runtime.for(caller)));
      } catch (error) {
        if (error instanceof TypeError) throw error;
        const isRefused = error instanceof NotFoundError || error instanceof ForgottenError ||
          error instanceof ConflictError && /only an ended task/.test(error.message);
        if (isRefused && ++tries > 5) return null;
      }
      await this.world.scheduler.sleep(this.#random.between(50, 1_000));
    }
  }
}
