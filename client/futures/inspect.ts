// What a program prints of a future: `console.log(future)`, `Deno.inspect(future)`.

/** Deno and Node know it. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Makes instances show these members, as far as they are known. It asks nothing: what it shows was seen
 * before.
 */
export function onInspect<T extends object>(
  // deno-lint-ignore no-explicit-any
  type: abstract new (...all: any[]) => T,
  shown: (instance: T) => Record<string, unknown>,
): void {
  Object.defineProperty(type.prototype, INSPECT, {
    value(this: T) {
      const members = Object.entries(shown(this)).filter(([, member]) => member !== undefined);
      const texts = members.map(([name, member]) => `${name}: ${JSON.stringify(member)}`);
      return `${this.constructor.name} { ${texts.join(", ")} }`;
    },
  });
}
