// What a submit may say about other tasks of its definition that are the same as this one: `unique`,
// `debounce` and `cache`.

import { z } from "zod";
import { once } from "./once.ts";
import { strictObject } from "./strict_object.ts";

/** While one task of its definition has a key, no other one with this key is made. */
export interface UniqueOptions {
  /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
  key?: string;
  /**
   * How long it has the key: until it starts, until it has ended (the default), or for `forMs` from its
   * submit.
   */
  while?: "waiting" | "active" | "forMs";
  /** With `while: "forMs"`, and only then. */
  forMs?: number;
  /**
   * What becomes of a submit whose key another task has: it gets that task (the default), or a 409; a task
   * that has not started gets the new input; or that task is cancelled, and the new one starts when it has
   * ended.
   */
  onConflict?: "return" | "reject" | "replace" | "cancel";
}

/** Submits with one key, each soon after the one before, make one task, which starts after the last one. */
export interface DebounceOptions {
  /** 1 to 255 characters. */
  key: string;
  /** It starts when there was no submit for so long. */
  delayMs: number;
  /** It starts so long after its first submit at the latest. Default: ten times `delayMs`. */
  maxDelayMs?: number;
  /** Which of the inputs it gets. Default: the last one. */
  input?: "last" | "first";
}

/** A result that is there already is given again. */
export interface CacheOptions {
  /** How old it may be. */
  ttlMs: number;
  /** 1 to 255 characters. Left out: the input, whatever the order of its fields. */
  key?: string;
  /** Take none, and give the new one to those that come later. */
  refresh?: boolean;
}

const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
export const LONGEST_KEY = 255;

const key = once((): z.ZodType<string, string> => z.string().min(1).max(LONGEST_KEY));
const ms = once(() => z.int().min(1).max(YEAR_MS));

const uniqueObject = once(() =>
  strictObject({
    key: key().optional().describe("Left out: the input, whatever the order of its fields."),
    while: z.enum(["waiting", "active", "forMs"]).optional().describe(
      "How long it has the key: until it starts, until it has ended (default), or for forMs from its submit.",
    ),
    forMs: ms().optional().describe('With while: "forMs", and only then.'),
    onConflict: z.enum(["return", "reject", "replace", "cancel"]).optional().describe(
      "A submit whose key another task has gets that task (default) or a 409; or that task gets its input, if " +
        "it has not started; or that task is cancelled, and the new one starts when it has ended.",
    ),
  }).superRefine((unique, context) => {
    const isFor = unique.while === "forMs";
    if (isFor === (unique.forMs !== undefined)) return;
    const message = isFor ? 'is required with while: "forMs"' : 'only with while: "forMs"';
    context.addIssue({ code: "custom", path: ["forMs"], message });
  }).meta({
    id: "UniqueOptions",
    description: "While one task of its definition has a key, no other one with this key is made.",
  })
);

const debounceObject = once(() =>
  strictObject({
    key: key(),
    delayMs: ms().describe("It starts when there was no submit for so long."),
    maxDelayMs: ms().optional()
      .describe("It starts so long after its first submit at the latest. Default: ten times delayMs."),
    input: z.enum(["last", "first"]).optional().describe("Which of the inputs it gets. Default: last."),
  }).superRefine(({ delayMs, maxDelayMs = delayMs }, context) => {
    if (maxDelayMs >= delayMs) return;
    context.addIssue({
      code: "custom",
      path: ["maxDelayMs"],
      message: `must not be below delayMs (${delayMs})`,
    });
  }).meta({
    id: "DebounceOptions",
    description: "Submits with one key, each soon after the one before, make one task.",
  })
);

const cacheObject = once(() =>
  strictObject({
    ttlMs: ms().describe("How old the result may be."),
    key: key().optional().describe("Left out: the input, whatever the order of its fields."),
    refresh: z.boolean().optional().describe("Take none, and give the new one to those that come later."),
  }).meta({
    id: "CacheOptions",
    description:
      "A result of its definition, in its version, that is there under the key already is given again.",
  })
);

/** False: not even if the definition says so. */
const orFalse = <T>(schema: z.ZodType<T, T>): z.ZodType<T | false, T | false> =>
  z.union([schema, z.literal(false)]);

export const uniqueSchema = once((): z.ZodType<UniqueOptions | false, UniqueOptions | false> =>
  orFalse(
    uniqueObject() as z.ZodType<UniqueOptions, UniqueOptions>,
  )
);
export const debounceSchema = once((): z.ZodType<DebounceOptions | false, DebounceOptions | false> =>
  orFalse(
    debounceObject() as z.ZodType<DebounceOptions, DebounceOptions>,
  )
);

export const cacheSchema = once((): z.ZodType<CacheOptions | false, CacheOptions | false> =>
  orFalse(
    cacheObject() as z.ZodType<CacheOptions, CacheOptions>,
  )
);

/** In a definition a key may be a function of the input; null or undefined: no key, for this input. */
export type KeyOf<Input> = string | ((of: { input: Input }) => string | null | undefined);

// deno-lint-ignore no-explicit-any
export type UniqueDefaults<Input = any> = Omit<UniqueOptions, "key"> & { key?: KeyOf<Input> };
// deno-lint-ignore no-explicit-any
export type DebounceDefaults<Input = any> = Omit<DebounceOptions, "key"> & { key: KeyOf<Input> };

// deno-lint-ignore no-explicit-any
export type CacheDefaults<Input = any> = Omit<CacheOptions, "key" | "refresh"> & { key?: KeyOf<Input> };

/** What is wrong with the defaults of a definition; null if nothing is. */
export function faultOfUnique(
  { unique, debounce, cache }: {
    unique?: UniqueDefaults;
    debounce?: DebounceDefaults;
    cache?: CacheDefaults;
  },
): string | null {
  if (unique && debounce) return "unique and debounce exclude each other";
  const schemas = { unique: uniqueObject, debounce: debounceObject, cache: cacheObject };
  for (const [option, value] of Object.entries({ unique, debounce, cache })) {
    if (value === undefined) continue;
    // A function makes keys that are checked with each submit.
    const shown = typeof value.key === "function" ? { ...value, key: "key" } : value;
    const { error } = schemas[option as keyof typeof schemas]().safeParse(shown);
    if (error) return `${[option, ...error.issues[0].path].join(".")}: ${error.issues[0].message}`;
  }
  return null;
}
