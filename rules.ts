// Rules of settings, as plain functions: schemas of zod for them took a megabyte and 5 ms of every start.

/** What is wrong with a value, in one sentence or several. */
export class Wrong {
  readonly messages: string[];

  constructor(...messages: string[]) {
    this.messages = messages;
  }
}

/** Makes of what was given the value, or says what is wrong with it. */
export type Rule<Value> = (given: unknown) => Value | Wrong;

/** The rule of each of some values, by name. */
export type Rules<Values> = { readonly [Name in keyof Values]-?: Rule<Values[Name]> };

export const text: Rule<string> = (given) => {
  if (typeof given !== "string") return new Wrong("must be a text");
  return given === "" ? new Wrong("must not be empty") : given;
};

export const flag: Rule<boolean> = (given) => {
  return typeof given === "boolean" ? given : new Wrong("must be true or false");
};

export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Rule<number> {
  return (given) => {
    if (typeof given !== "number" || !Number.isSafeInteger(given)) return new Wrong("must be a whole number");
    if (given < min) return new Wrong(`must be at least ${min}`);
    return given > max ? new Wrong(`must be at most ${max}`) : given;
  };
}

export function optional<Value>(rule: Rule<Value>): Rule<Value | undefined> {
  return (given) => given === undefined ? undefined : rule(given);
}

export function otherwise<Value>(value: Value, rule: Rule<Value>): Rule<Value> {
  return (given) => given === undefined ? value : rule(given);
}

/** A setting breaks its rule. The message names the setting, the rule and the value. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Their faults say themselves as much of the value as may be told. */
const SECRET = ["apiKeys", "API_KEYS"];

/** @throws {ConfigError} with a line for each value that breaks its rule */
export function checked<Values>(rules: Rules<Values>, given: Readonly<Record<string, unknown>>): Values {
  const lines: string[] = [];
  const values = Object.entries<Rule<unknown>>(rules).map(([name, rule]) => {
    const value = rule(given[name]);
    if (value instanceof Wrong) {
      lines.push(...value.messages.map((message) => faultLine(name, message, given[name])));
    }
    return [name, value];
  });
  if (lines.length > 0) throw new ConfigError(lines.join("\n"));
  return Object.fromEntries(values);
}

export function faultLine(name: string, message: string, value: unknown): string {
  return SECRET.includes(name) ? `${name} ${message}` : `${name} ${message}; it is ${shown(value)}`;
}

function shown(value: unknown): string {
  return typeof value === "function" ? "a function" : JSON.stringify(value) ?? String(value);
}
