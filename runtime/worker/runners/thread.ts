// One worker thread, and what is said to it. It runs one function at a time.

import type { Worker } from "node:worker_threads";
import { TaskReplacement } from "../../core/replace_with.ts";
import { builtin } from "../../core/builtin.ts";
import type { AnyDefinition, Child, TaskContext } from "../../core/define.ts";
import { withHints } from "../../core/failure_hints.ts";
import { NotJsonError } from "../../core/json.ts";
import { once } from "../../core/once.ts";
import { fieldsOf, portable, RevivedError } from "../../core/thrown_error.ts";
import type { Answer, Ended, FromThread, ThreadSetup, ToThread } from "./thread_main.ts";
import { takeThreadRoom } from "./thread_room.ts";

/** In the npm package both files are JavaScript. */
const THREAD_MAIN = new URL(`./thread_main${import.meta.url.slice(-3)}`, import.meta.url);
const ownHeapMb = once(() => Math.floor(builtin("node:v8").getHeapStatistics().heap_size_limit / 2 ** 20));

export interface ThreadOptions extends Partial<Omit<ThreadSetup, "port">> {
  /**
   * Default: as much as the main thread may have. A thread that takes more ends, and the process does not.
   */
  heapMb?: number;
}

const nobody = () => {};

export class Thread {
  /** What ran here has left nothing behind that could be in the way of another function. */
  isClean = true;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #stopped = new Int32Array(new SharedArrayBuffer(4));
  #hear: (message: FromThread) => void = nobody;
  readonly #idleEnd = () => this.onIdleEnd(this);
  /** Called when the thread ends by itself. */
  #onEnd: (error: Error) => void;

  /**
   * @param onIdleEnd called if it ends by itself while it runs no function
   * @throws {Error} if the process has no descriptors for it
   */
  constructor(
    private readonly onIdleEnd: (thread: Thread) => void,
    { takesConsole = false, heapMb = ownHeapMb() }: ThreadOptions = {},
  ) {
    const giveRoomBack = takeThreadRoom();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromThread>) => this.#hear(data);
    this.#onEnd = this.#idleEnd;
    this.#worker = new (builtin("node:worker_threads").Worker)(THREAD_MAIN, {
      workerData: { port: port2, takesConsole, stopped: this.#stopped } satisfies ThreadSetup,
      transferList: [port2 as never],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.#worker.on("online", giveRoomBack);
    this.#worker.on("error", ({ code, message }: Error & { code?: string }) => {
      const isFull = code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#onEnd(new Error(isFull ? "the thread ran out of memory" : `the thread died: ${message}`));
    });
    this.#worker.on("exit", () => {
      giveRoomBack();
      this.#onEnd(new Error("the thread died"));
    });
  }

  /** Deno 2.8 and later do not end a thread that computes: what its function calls next throws there. */
  terminate(): void {
    this.#onEnd = nobody;
    Atomics.store(this.#stopped, 0, 1);
    this.#port.close();
    this.#worker.terminate();
  }

  /**
   * Rejects with what the function threw; earlier if the thread ends, or `stopSignal` aborts. Where only the
   * signal of the context does, the function is told.
   */
  async run(
    definition: AnyDefinition,
    context: TaskContext<unknown>,
    stopSignal: AbortSignal = context.signal,
  ): Promise<unknown> {
    const { signal, input, task, attempt } = context;
    const ended = Promise.withResolvers<Ended>();
    const stop = () => ended.reject(stopSignal.reason);
    stopSignal.addEventListener("abort", stop, { once: true });
    if (stopSignal.aborted) stop();
    const tell = () => this.#port.postMessage({ abort: portable(signal.reason) } satisfies ToThread);
    this.isClean = false;
    this.#onEnd = ended.reject;
    const answers = new Answers(this.#port, context);
    const hear = (message: FromThread) => {
      try {
        if (message.kind !== "ended") return answers.to(message);
        this.isClean = message.isClean;
        ended.resolve(message.ended);
      } catch (error) {
        // An invalid report fails the attempt, as it does on the main thread.
        ended.reject(error);
      }
    };
    this.#hear = hear;
    try {
      const module = definition.thread!;
      this.#port.postMessage({ module, name: definition.name, input, task, attempt } satisfies ToThread);
      signal.addEventListener("abort", tell, { once: true });
      if (signal.aborted) tell();
      return valueOf(await ended.promise);
    } finally {
      stopSignal.removeEventListener("abort", stop);
      signal.removeEventListener("abort", tell);
      this.#hear = nobody;
      this.#onEnd = this.#idleEnd;
    }
  }
}

function valueOf(ended: Ended): unknown {
  switch (ended.kind) {
    case "value":
      return ended.value;
    case "replaced":
      return new TaskReplacement(ended.flow);
    case "not-json":
      throw new NotJsonError(ended.message);
    case "thrown":
      throw withHints(new RevivedError(ended.error), ended.hints ?? null);
  }
}

/** Does what a function asks for, and answers it. */
class Answers {
  readonly #children = new Map<string, Child>();

  constructor(private readonly port: MessagePort, private readonly context: TaskContext<unknown>) {}

  to(message: Exclude<FromThread, { kind: "ended" }>): void {
    const { context } = this;
    switch (message.kind) {
      case "progress":
        return context.progress(message.current, message.total, message.message);
      case "log":
        return context.log(message.message, message.data);
      case "chunk":
        return context.emit(message.chunk);
      case "submit":
        return void this.#answer(message.call, this.#submit(message));
      case "result":
        return void this.#answer(message.call, this.#children.get(message.id)!.result());
    }
  }

  async #submit({ task, input, options, joins }: FromThread & { kind: "submit" }): Promise<string> {
    const { context } = this;
    const child = await (joins ? context.addToGroup : context.submit)(task, input, options);
    this.#children.set(child.id, child);
    return child.id;
  }

  async #answer(call: number, work: Promise<unknown>): Promise<void> {
    let answer: Answer;
    try {
      answer = { call, value: await work };
    } catch (error) {
      answer = { call, error: portable(error), fields: fieldsOf(error) };
    }
    this.port.postMessage(answer);
  }
}
