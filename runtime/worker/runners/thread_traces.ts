// What a function has left behind on its thread: a timer that still runs, or something global that it has
// changed. The next function would run into it, so it gets another thread.

interface Known {
  object: object;
  keys: readonly PropertyKey[];
  values: readonly unknown[];
}

export class ThreadTraces {
  readonly #timers = new Set<unknown>();
  #known: Known[] = [];

  constructor() {
    for (const kind of TIMERS) this.#watch(`set${kind}`, `clear${kind}`);
    // Its last properties are made when it is first looked at.
    String(console);
    this.remember();
  }

  /** As it is now, the thread is clean. */
  remember(): void {
    this.#timers.clear();
    this.#known = globals().map(known);
  }

  get isClean(): boolean {
    return this.#timers.size === 0 && this.#known.every(isSame);
  }

  #watch(set: string, clear: string): void {
    const [start, stop] = [Reflect.get(globalThis, set), Reflect.get(globalThis, clear)];
    if (typeof start !== "function" || typeof stop !== "function") return;
    const timers = this.#timers;
    const repeats = set.endsWith("Interval");
    Reflect.set(
      globalThis,
      set,
      like(start, (fn: unknown, ...args: unknown[]) => {
        const once = (...given: unknown[]) => {
          if (!repeats) timers.delete(timer);
          return (fn as (...given: unknown[]) => unknown)(...given);
        };
        const timer = start(typeof fn === "function" ? once : fn, ...args);
        timers.add(timer);
        return timer;
      }),
    );
    Reflect.set(
      globalThis,
      clear,
      like(stop, (timer: unknown) => {
        timers.delete(timer);
        return stop(timer);
      }),
    );
  }
}

const TIMERS = ["Timeout", "Interval", "Immediate"];

/** With the properties of the original, such as its name and how it becomes a promise. */
// deno-lint-ignore ban-types
function like(original: object, replacement: Function): Function {
  return Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
}

/** All that is global, with what instances of it inherit. */
function globals(): object[] {
  const found = new Set<object>([globalThis]);
  const { prototype } = Object.getPrototypeOf(Int8Array);
  for (const object of [prototype, Object.getPrototypeOf([][Symbol.iterator]()), Deno.env]) found.add(object);
  for (const key of Reflect.ownKeys(globalThis)) {
    const { value } = Reflect.getOwnPropertyDescriptor(globalThis, key)!;
    if (value === null || typeof value !== "object" && typeof value !== "function") continue;
    found.add(value);
    if (typeof value === "function" && value.prototype) found.add(value.prototype);
  }
  return [...found];
}

function known(object: object): Known {
  const keys = Reflect.ownKeys(object);
  return { object, keys, values: keys.map((key) => valueOf(object, key)) };
}

function isSame({ object, keys, values }: Known): boolean {
  return Reflect.ownKeys(object).length === keys.length &&
    keys.every((key, i) => Object.is(valueOf(object, key), values[i]));
}

/** A getter is not called: it may make what it gives. */
function valueOf(object: object, key: PropertyKey): unknown {
  const property = Reflect.getOwnPropertyDescriptor(object, key);
  return property && (property.get ?? property.set ?? property.value);
}
