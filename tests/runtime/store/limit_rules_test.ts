import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type LimitRule, matches, rulesFor } from "../../../runtime/store/limit_rules.ts";

const rule = (pattern: string, said: Partial<LimitRule> = {}): LimitRule => {
  return { pattern, concurrency: 1, rateLimit: null, note: null, changedAt: 0, changedBy: null, ...said };
};

Deno.test("a star stands for any characters but /", () => {
  const cases: [pattern: string, key: string, fits: boolean][] = [
    ["tenant/*", "tenant/acme", true],
    ["tenant/*", "tenant/", true],
    ["tenant/*", "tenant/acme/user", false],
    ["tenant/*/user*", "tenant/acme/user42", true],
    ["*", "anything", true],
    ["*", "any/thing", false],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["a*a", "a", false],
    ["openai", "openai", true],
    ["openai", "openai2", false],
    ["a.c", "abc", false],
  ];
  for (const [pattern, key, fits] of cases) assert.equal(matches(pattern, key), fits, `${pattern} ${key}`);
});

Deno.test("a pattern of many stars takes no longer than others", () => {
  assert.equal(matches(`${"a*".repeat(99)}b`, "a".repeat(200)), false);
});

Deno.test("the most specific rule is in force, for slots and for the rate each", () => {
  const rateLimit = { limit: 5, periodMs: 1_000, burst: 1 };
  const rules = [
    rule("*", { concurrency: 9 }),
    rule("user*", { concurrency: 3 }),
    rule("user42", { concurrency: null, rateLimit }),
  ];
  assert.deepEqual(rulesFor(rules, "\nuser42"), {
    rule: { pattern: "user*", limit: 3 },
    rateRule: { pattern: "user42", ...rateLimit },
  });
  assert.deepEqual(rulesFor(rules, "acme\nother"), { rule: { pattern: "*", limit: 9 } });
  assert.deepEqual(rulesFor([], "\nother"), {});
});
