// Which function is running: known to all that it calls, and to what it leaves behind. By this a line of the
// console carries the id of its task, and Deno.exit() ends an attempt in place of the process.

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import type { AttemptName } from "../../platform/log.ts";

/** What ended the attempt: the function called what would have ended the process. */
export class ExitError extends Error {
  override name = "ExitError";
  constructor(call: string) {
    super(`${call} would end the process, with all tasks that run in it: return or throw instead`);
  }
}

const scopes = new AsyncLocalStorage<FunctionScope | undefined>();

export class FunctionScope {
  /** Its function has tried to end the process, and may have caught what was thrown there. */
  exit: ExitError | null = null;

  /**
   * @param running Nothing but its name: a garbage collection of the young takes all that a scope refers to
   *   for alive, since the storage is a WeakMap. With the attempt in it each task stayed until the next full
   *   one.
   */
  constructor(readonly running: AttemptName) {}

  /** The one that called, if a function did. */
  static get current(): FunctionScope | undefined {
    return scopes.getStore();
  }

  /** What a function asks of the engine, which goes on for others when the function has ended. */
  static leave<T>(work: () => T): T {
    return scopes.run(undefined, work);
  }

  /** @throws {ExitError} also if the function has caught it */
  async run(work: () => unknown): Promise<unknown> {
    const value = await scopes.run(this, work);
    if (this.exit) throw this.exit;
    return value;
  }
}

const EXITS: [object, string, string][] = [
  [Deno, "exit", "Deno.exit"],
  [process, "exit", "process.exit"],
  [process, "reallyExit", "process.reallyExit"],
  [process, "abort", "process.abort"],
  [globalThis, "close", "close"],
];
let isGuarded = false;

/**
 * From now on what ends the process throws where a function calls it. Others end the process as before.
 *
 * @param everywhere nobody else is there: on a thread, which would end without a word
 */
export function guardExits({ everywhere = false } = {}): void {
  if (isGuarded) return;
  isGuarded = true;
  for (const [object, name, call] of EXITS) {
    const original = Reflect.get(object, name);
    if (typeof original !== "function") continue;
    const value = (...args: unknown[]) => {
      const scope = FunctionScope.current;
      if (!scope && !everywhere) return Reflect.apply(original, object, args);
      const error = new ExitError(`${call}(${args.map(String).join(", ")})`);
      if (scope) scope.exit ??= error;
      throw error;
    };
    Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: true });
  }
}
