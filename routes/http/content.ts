// What the headers say of a body: JSON in UTF-8, as it is or packed with gzip. All else is refused, and the
// refusal names the header.

import type { Context } from "hono";
import { type Problem, ProblemError, unsupportedContent } from "./problem.ts";

/** How a body is packed. */
export type Coding = "identity" | "gzip";

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/i;
const CODINGS: Readonly<Record<string, Coding>> = {
  "": "identity",
  "identity": "identity",
  "gzip": "gzip",
  "x-gzip": "gzip",
};
/** ASCII is a part of it. */
const UTF8 = ["utf-8", "utf8", "us-ascii"];

/** @throws {ProblemError} if the service does not read such a body */
export function codingOf(c: Context): Coding {
  const said = c.req.header("content-type");
  const packing = c.req.header("content-encoding");
  // Almost every call has this value.
  if (said === "application/json" && packing === undefined) return "identity";
  const [type, ...parameters] = (said ?? "").split(";").map((part) => part.trim());
  if (!JSON_TYPE.test(type)) throw new ProblemError(unsupportedType(said));
  for (const parameter of parameters) {
    const charset = /^charset\s*=\s*"?([^"]*)"?$/i.exec(parameter)?.[1];
    if (charset !== undefined && !UTF8.includes(charset.toLowerCase())) {
      throw new ProblemError(unsupportedCharset(charset));
    }
  }
  const coding = (packing ?? "").trim().toLowerCase();
  if (!Object.hasOwn(CODINGS, coding)) throw new ProblemError(unsupportedCoding(coding));
  return CODINGS[coding];
}

export function unsupportedType(said: string | undefined): Problem {
  return unsupportedContent(
    "content-type",
    `a body has the type application/json; this one ${said ? `says ${said}` : "says none"}`,
    { accept: "application/json" },
  );
}

function unsupportedCharset(charset: string): Problem {
  return unsupportedContent("content-type", `a body is UTF-8; this one says charset=${charset}`, {
    accept: "application/json",
  });
}

function unsupportedCoding(coding: string): Problem {
  return unsupportedContent(
    "content-encoding",
    `a body may be packed with gzip, or not at all; this one says ${coding}`,
    { "accept-encoding": "gzip, identity" },
  );
}
