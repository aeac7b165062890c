// The tables of the reference name what the code has: endpoints with their scopes, options, states, problem
// types, variables, tasks.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { VARIABLES } from "../../config.ts";
import { ACCESS } from "../../routes/access/access_table.ts";
import { optionsSchema } from "../../runtime/core/submission.ts";
import { STATES } from "../../runtime/core/states.ts";
import { RULES } from "../../settings.ts";
import { readPage, readPages, ROOT } from "./blocks.ts";

/** Not for callers: a page's files, and what the service asks of itself. */
const INNER = ["GET /docs/:asset", "POST /internal/pump"];
/** No caller sees it: the caller has gone. */
const UNSEEN = ["client-closed"];

const http = readPage("docs/reference/http.md").text;

Deno.test("the HTTP reference has every endpoint, with its scopes", () => {
  for (const [route, needs] of Object.entries(ACCESS)) {
    if (INNER.includes(route)) continue;
    const spelt = route.replace(/:(\w+)\{.*/, "errand.js").replaceAll(/:(\w+)/g, "{$1}");
    const row = http.split("\n").find((line) => line.startsWith("|") && namesRoute(line, spelt));
    assert.ok(row, `${spelt} is not in the table`);
    const named = needs === "open" ? ["none"] : needs.map((scope) => `\`${scope}\``);
    const scopes = named.join(", ") || "any";
    assert.equal(row.split("|").at(-2)!.trim(), scopes, spelt);
  }
});

Deno.test("the HTTP reference has every option of a submit and every type of problem", () => {
  const schema = z.toJSONSchema(optionsSchema(), { io: "input", unrepresentable: "any" });
  const options = Object.keys((schema.$defs!.SubmitOptions as typeof schema).properties!);
  assert.ok(options.length > 10, `${options.length} were found`);
  assert.deepEqual(options.filter((name) => !new RegExp(`\`${name}[\`.]`).test(http)), []);
  const sources = ["routes/http/problem.ts", "routes/wire/failure_problem.ts"].map((file) =>
    Deno.readTextFileSync(ROOT + file)
  );
  const slugs = new Set([...sources.join("").matchAll(/slug: "([\w-]+)"/g)].map(([, slug]) => slug));
  assert.ok(slugs.size > 15, `${slugs.size} were found`);
  assert.deepEqual([...slugs].filter((slug) => !http.includes(`\`${slug}\``)), UNSEEN);
});

Deno.test("the page on states names all types, and no name that there is not", () => {
  const { text } = readPage("docs/reference/states.md");
  assert.deepEqual(Object.keys(STATES).filter((type) => !text.includes(type)), []);
  const table = text.slice(text.indexOf("## Types and names"), text.indexOf("## Transitions"));
  const known: string[] = Object.values(STATES).flat();
  const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => /^[A-Z]/.test(name));
  assert.ok(named.length > 10, `${named.length} were found`);
  assert.deepEqual(named.filter((name) => !known.includes(name)), []);
});

Deno.test("the pages on settings have every variable and every option of createErrand that is one", () => {
  const { text } = readPage("docs/reference/configuration.md");
  assert.deepEqual(Object.keys(VARIABLES).filter((name) => !text.includes(`| \`${name}\``)), []);
  const own = readPage("docs/guides/own_program.md").text;
  assert.deepEqual(Object.keys(RULES).filter((name) => !own.includes(`\`${name}\``)), []);
});

Deno.test("CONTRIBUTING.md names every task of deno.json, and the pages name no other", () => {
  const known = Object.keys(JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)).tasks);
  const { text } = readPage("CONTRIBUTING.md");
  assert.deepEqual(known.filter((name) => !new RegExp(`[\` ]${name}[\` ]`).test(text)), []);
  const unknown = readPages().flatMap((page) =>
    [...page.text.matchAll(/\bdeno(?:@[\d.]+)? task ([\w:-]+)/g)].filter(([, name]) => !known.includes(name))
      .map(([, name]) => `${page.path}: ${name}`)
  );
  assert.deepEqual(unknown, []);
});

function namesRoute(row: string, route: string): boolean {
  return [...row.split("|")[1].matchAll(/`([^`?]+)(?:\?[^`]*)?`/g)].some(([, named]) => named === route);
}
