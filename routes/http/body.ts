// Reads a JSON body: bounded in size and depth, valid UTF-8, parsed once. Any fault of it is answered here,
// before a schema sees it.

import type { Context, MiddlewareHandler } from "hono";
import type { Fault } from "../../runtime/core/errors.ts";
import { lossesOf } from "../../runtime/core/exact_json.ts";
import { DEEPEST, isTooDeep, utf8Bytes } from "../../runtime/core/json.ts";
import { usagesOf } from "../access/guard.ts";
import type { Turns } from "../../runtime/mod.ts";
import { type Chunks, gunzipBounded, lengthOf, readBounded, TooManyBytesError } from "./bounded.ts";
import { connectionOf } from "./connection.ts";
import { type Coding, codingOf } from "./content.ts";
import type { Arrival, BodyShare } from "./arrival.ts";
import { LONG, LONG_BODY, textInSlices } from "./long_body.ts";
import {
  clientClosed,
  malformedJson,
  type Problem,
  ProblemError,
  tooLarge,
  tooSlow,
  validationFailed,
} from "./problem.ts";
import { parseInSlices } from "./sliced_json.ts";

const LONGEST_BODY_MS = 30_000;
const MICROTASKS_OF_A_READ = 8;
/** A body of no more is read at once, and not counted: in the worst case each connection holds so much. */
const SMALL_BYTES = 16 * 1024;
/** Characters of a body that is parsed and checked at once, however many of them come at one moment. */
const QUICK = 4 * 1024;

export interface BodyOptions {
  limitBytes: number;
  /** No body at all means `{}`. */
  optional?: boolean;
  /** For bodies that may be long, or many: those are read in slices. */
  turns?: Turns;
}

/** To be disposed of when its call is answered: until then it counts as in memory. */
export interface Body extends Disposable {
  text: string;
  value: unknown;
}

/** How a body is being read. */
interface Reading {
  share?: BodyShare;
  /** Ends it. */
  stop?: AbortController;
}

/** Makes `c.req.json()` return the body, or answers with its fault. */
export function jsonBody(options: BodyOptions): MiddlewareHandler {
  return async function jsonBody(c, next) {
    using body = await readJson(c, options);
    const { text, value } = body;
    // Every later reader of the body gets what was parsed here.
    Object.assign(c.req, {
      text: () => Promise.resolve(text),
      arrayBuffer: () => Promise.resolve(new TextEncoder().encode(text).buffer),
      json: () => Promise.resolve(value),
    });
    if (isLong(text)) c.set(LONG_BODY, options.turns);
    await next();
  };
}

/** @throws {ProblemError} that says what is wrong with it. */
export async function readJson(
  c: Context,
  { limitBytes, optional = false, turns }: BodyOptions,
): Promise<Body> {
  const reading: Reading = {};
  const dispose = () => reading.share?.giveBack();
  try {
    const text = await inTime(c, reading, readText(c, limitBytes, reading, turns));
    if (text !== "") {
      const wait = turns && text.length > QUICK ? turns.short() : null;
      if (wait) await wait;
      const value = turns && isLong(text) ? await parseLong(text, turns) : parse(text);
      return { text, value, [Symbol.dispose]: dispose };
    }
    // The headers of an empty body do not matter.
    if (optional) return { text, value: {}, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
  throw new ProblemError(malformedJson("the body is empty; it must be a JSON object"));
}

/** A body that comes byte by byte, or never ends, must not hold its place for ever. */
async function inTime(c: Context, reading: Reading, text: Promise<string>): Promise<string> {
  const late = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    if (await isHere(text)) return await text;
    const longestMs = arrivalOf(c).bodies?.longestMs ?? LONGEST_BODY_MS;
    timer = setTimeout(() => {
      late.reject(new ProblemError(tooSlow(longestMs / 1_000)));
      reading.stop?.abort();
    }, longestMs);
    return await Promise.race([text, late.promise]);
  } catch (error) {
    // What is still to come is of no use to anybody.
    if (error instanceof ProblemError && error.problem.headers?.connection === "close") {
      connectionOf(c)?.closeSoon();
    }
    // The rest of the body does not come: the service is stopping, or the caller is gone.
    if (error instanceof Deno.errors.BadResource) throw new ProblemError(stopping());
    throw error instanceof Deno.errors.Http ? new ProblemError(clientClosed()) : error;
  } finally {
    clearTimeout(timer);
  }
}

function arrivalOf(c: Context): Arrival {
  return (c.env as Arrival | undefined) ?? {};
}

/** Most bodies arrive with their headers, and are read within three microtasks: a timer would cost more. */
async function isHere(text: Promise<string>): Promise<boolean> {
  let isSettled = false;
  const settled = () => void (isSettled = true);
  text.then(settled, settled);
  for (let turns = 0; turns < MICROTASKS_OF_A_READ && !isSettled; turns++) await undefined;
  return isSettled;
}

function parse(text: string): unknown {
  requireShallow(text);
  const value = parsed(text);
  return unlessLost(value, lossesOf(text, value));
}

function isLong(text: string): boolean {
  return text.length > LONG;
}

/** Of a text whose depth is known to be allowed. */
async function parseLong(text: string, turns: Turns): Promise<unknown> {
  const { value, losses } = await parseInSlices(text, turns.begin()).catch(malformed);
  return unlessLost(value, losses);
}

function requireShallow(text: string): void {
  if (isTooDeep(text)) throw new ProblemError(tooDeep());
}

function tooDeep(): Problem {
  return validationFailed([{ pointer: "", message: `nested more than ${DEEPEST} levels deep` }]);
}

function unlessLost(value: unknown, losses: Fault[]): unknown {
  if (losses.length > 0) throw new ProblemError(validationFailed(losses));
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return malformed(error);
  }
}

function malformed(error: unknown): never {
  if (!(error instanceof SyntaxError)) throw error;
  throw new ProblemError(malformedJson(error.message));
}

async function readText(
  c: Context,
  limitBytes: number,
  reading: Reading,
  turns?: Turns,
): Promise<string> {
  const announced = Number(c.req.header("content-length") ?? 0);
  if (announced > limitBytes) {
    await c.req.raw.body?.cancel();
    throw new ProblemError(
      tooLarge(`the body has ${announced} bytes; the limit here is ${limitBytes} bytes`),
    );
  }
  let coding: Coding | undefined;
  try {
    if (announced > 0) coding = codingOf(c);
  } catch (error) {
    await c.req.raw.body?.cancel();
    throw error;
  }
  // A small one whose size is known is read in one go. The platform's decoder replaces invalid UTF-8 by
  // U+FFFD. Then the lengths differ, unless the body itself had this character.
  if (coding === "identity" && announced <= SMALL_BYTES) {
    const text = await c.req.raw.text();
    if (text.includes("\ufffd") && utf8Bytes(text) !== announced) throw new ProblemError(notUtf8());
    return text;
  }
  const stream = c.req.raw.body;
  if (!stream) return "";
  const share = reading.share = arrivalOf(c).bodies?.share(usagesOf(c));
  const { signal } = reading.stop = new AbortController();
  const chunks = await readBounded(stream, limitBytes, { onBytes: share?.grow, signal })
    .catch(tooMany("body", limitBytes));
  if (lengthOf(chunks) === 0) return "";
  const plain = codingOf(c) === "gzip" ? await unpacked(chunks, limitBytes, share, signal) : chunks;
  return turns && lengthOf(plain) > LONG ? await longTextOf(plain, turns) : textOf(plain);
}

/** What comes out is counted from then on, and what went in no longer. */
async function unpacked(
  chunks: Chunks,
  limitBytes: number,
  share: BodyShare | undefined,
  signal: AbortSignal,
): Promise<Chunks> {
  const onDone = (bytes: number) => share?.add(-bytes);
  try {
    return await gunzipBounded(chunks, limitBytes, { onBytes: share?.grow, onDone, signal })
      .catch(tooMany("unpacked body", limitBytes));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ProblemError(
      malformedJson("the body is no gzip, or not all of it; its Content-Encoding says gzip"),
    );
  }
}

function tooMany(what: string, limitBytes: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof TooManyBytesError)) throw error;
    throw new ProblemError(tooLarge(`the ${what} has more than ${limitBytes} bytes, the limit here`));
  };
}

function textOf(chunks: Chunks): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  } catch {
    throw new ProblemError(notUtf8());
  }
}

async function longTextOf(chunks: Chunks, turns: Turns): Promise<string> {
  const text = await textInSlices(chunks, turns.begin()).catch((error) => {
    throw error instanceof TypeError ? new ProblemError(notUtf8()) : error;
  });
  if (text === null) throw new ProblemError(tooDeep());
  return text;
}

function stopping(): Problem {
  const detail = "the service stopped before the whole body had come; nothing was stored";
  return { status: 503, slug: "unavailable", title: "Unavailable", detail, headers: { "retry-after": "1" } };
}

function notUtf8(): Problem {
  return malformedJson("the body is not valid UTF-8");
}
