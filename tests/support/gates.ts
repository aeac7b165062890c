// Tasks that end when the test says so, in place of tasks that sleep for a time.

import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";
import type { Body, Service } from "./service.ts";

export class Gates {
  readonly #gates = new Map<string, PromiseWithResolvers<unknown>>();

  /** A task of it runs until its gate is opened, or its signal aborts. */
  readonly definition: AnyDefinition = define({ name: "gate", input: z.unknown() }, ({ task, signal }) => {
    const { promise, reject } = this.#of(task.id);
    signal.addEventListener("abort", () => reject(signal.reason));
    return promise;
  });

  /** Submits so many; gives their ids. */
  async submit(service: Service, count: number, options?: unknown): Promise<string[]> {
    const tasks = Array.from({ length: count }, () => ({ task: "gate", input: null, options }));
    const { body } = await service.post("/v1/tasks/batch", { tasks });
    return body.tasks.map(({ id }: Body) => id);
  }

  /** The task ends with this, now or as soon as it runs; also when it runs again. */
  open(id: string, result: unknown = null): void {
    this.#of(id).resolve(result);
  }

  /** The task's attempt fails with this. */
  fail(id: string, error: Error): void {
    this.#of(id).reject(error);
  }

  /** The tasks end in this order, each before the next one may. */
  async openInTurn(service: Service, ids: string[]): Promise<void> {
    for (const id of ids) {
      this.open(id);
      await service.ended(id);
    }
  }

  #of(id: string): PromiseWithResolvers<unknown> {
    const known = this.#gates.get(id);
    if (known) return known;
    const gate = Promise.withResolvers<unknown>();
    // A task may fail before it runs: then nobody has taken the rejection yet.
    gate.promise.catch(() => {});
    this.#gates.set(id, gate);
    return gate;
  }
}
