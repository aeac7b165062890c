// Keeps secrets of an input out of what is shown: `redact` of a definition names them by JSON Pointers, in
// which `*` is each element or member. What a function is given is never changed.

import type { TaskError } from "./task.ts";

const REDACTED = "[redacted]";
const MOST_POINTERS = 50;
const LONGEST_POINTER = 200;
/** Shorter texts are too often a part of others. */
const SHORTEST_SECRET = 4;
const MOST_SECRETS = 1_000;
const LONGEST_REPR = 120;

type Path = readonly string[];

/** What is wrong with a `redact` in code; null if nothing is. */
export function faultOfRedact(pointers: readonly unknown[] = []): string | null {
  if (pointers.length > MOST_POINTERS) return `redact has at most ${MOST_POINTERS} pointers`;
  const wrong = pointers.find((one) => {
    return typeof one !== "string" || one.length > LONGEST_POINTER || !/^(\/([^~/]|~[01])*)+$/.test(one);
  });
  if (wrong === undefined) return null;
  return `redact has JSON Pointers of at most ${LONGEST_POINTER} characters, as "/password"; it has ${
    JSON.stringify(wrong)
  }`;
}

export class Redaction {
  readonly #paths: readonly Path[];

  /** @param isChunk the input is a list of inputs */
  constructor(pointers: readonly string[], isChunk = false) {
    this.#paths = pointers.map((pointer) => {
      const path = pointer.split("/").slice(1).map((part) =>
        part.replaceAll("~1", "/").replaceAll("~0", "~")
      );
      return isChunk ? ["*", ...path] : path;
    });
  }

  /** JSON text of the input, without its secrets. */
  textOf(input: string): string {
    return JSON.stringify(this.#without(JSON.parse(input)));
  }

  /** Keeps the secrets of this input out of other texts. */
  maskOf(input: unknown): Mask {
    const secrets = new Set<string>();
    this.#without(input, (secret) => collect(secret, secrets));
    return new Mask(secrets);
  }

  /** @param pointer into the input */
  hides(pointer: string): boolean {
    const parts = new Redaction([pointer]).#paths[0];
    return this.#paths.some((path) => {
      return path.length <= parts.length && path.every((part, i) => part === "*" || part === parts[i]);
    });
  }

  #without(input: unknown, found: (secret: unknown) => void = () => {}): unknown {
    return this.#paths.reduce((value, path) => replaced(value, path, found), input);
  }
}

function replaced(value: unknown, [part, ...rest]: Path, found: (secret: unknown) => void): unknown {
  if (part === undefined) {
    found(value);
    return REDACTED;
  }
  if (typeof value !== "object" || value === null) return value;
  const isMeant = (name: string) => part === "*" || part === name;
  if (Array.isArray(value)) {
    return value.map((each, i) => isMeant(String(i)) ? replaced(each, rest, found) : each);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, isMeant(name) ? replaced(each, rest, found) : each]),
  );
}

function collect(value: unknown, secrets: Set<string>): void {
  if (secrets.size >= MOST_SECRETS) return;
  if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) collect(each, secrets);
  } else if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    if (text.length < SHORTEST_SECRET || text === REDACTED) return;
    secrets.add(text);
    secrets.add(JSON.stringify(text).slice(1, -1));
  }
}

/** Knows the secrets of one input. */
export class Mask {
  readonly #secrets: string[];

  constructor(secrets: Iterable<string>) {
    // One may be a part of another.
    this.#secrets = [...secrets].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let masked = text;
    for (const secret of this.#secrets) masked = masked.replaceAll(secret, REDACTED);
    return this.#secrets.reduce(withoutCutSecret, masked);
  }

  error({ name, message, cause, errors, stack, ...rest }: TaskError): TaskError {
    return {
      name: this.text(name),
      message: this.text(message),
      ...cause && { cause: this.error(cause) },
      ...errors && { errors: errors.map((each) => this.error(each)) },
      ...stack !== undefined && { stack: this.text(stack) },
      ...rest,
    };
  }

  /** A JSON value with all its texts masked. */
  value(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return this.#secrets.includes(String(value)) ? REDACTED : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.value(each));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.value(each)]));
  }
}

/** A text that was cut within a secret ends with the beginning of it. */
function withoutCutSecret(text: string, secret: string): string {
  if (!text.endsWith("…")) return text;
  const body = text.slice(0, -1);
  const longest = Math.min(secret.length - 1, body.length);
  for (let length = longest; length >= SHORTEST_SECRET; length--) {
    if (body.endsWith(secret.slice(0, length))) return `${body.slice(0, -length)}${REDACTED}…`;
  }
  return text;
}

/** What is wrong with an input, without its secrets. `part` is a pointer that may begin with "/input". */
export function maskedFault(
  pointers: readonly string[],
  input: unknown,
  isChunk: boolean,
): (part: string, message: string) => string {
  const redaction = new Redaction(pointers, isChunk);
  const mask = redaction.maskOf(input);
  return (part, message) => {
    const isHidden = part.startsWith("/input/") && redaction.hides(part.slice("/input".length));
    return mask.text(isHidden ? message.replace(/ \(got .*\)$/s, ` (got ${REDACTED})`) : message);
  };
}

/** The beginning of an input, for lists. */
export function reprOf(input: string): string {
  return input.length <= LONGEST_REPR ? input : `${input.slice(0, LONGEST_REPR - 1)}…`;
}
