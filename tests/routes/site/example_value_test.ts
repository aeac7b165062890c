// An example that the docs page shows fits the schema that it is made of.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { sampleOf } from "../../../routes/site/example_value.ts";
import { jsonSchemaOf } from "../../../runtime/core/registry.ts";

const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree).min(1).max(1).optional();
  },
});

const SCHEMAS: Record<string, z.ZodType> = {
  url: z.url(),
  "http url": z.httpUrl(),
  email: z.email(),
  uuid: z.uuid(),
  "uuid v7": z.uuidv7(),
  instant: z.iso.datetime(),
  "instant with an offset": z.iso.datetime({ offset: true }),
  day: z.iso.date(),
  time: z.iso.time(),
  duration: z.iso.duration(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
  cidr: z.cidrv4(),
  hostname: z.hostname(),
  base64: z.base64(),
  "a long text": z.string().min(30),
  "a short text": z.string().max(2),
  "no text": z.string().max(0),
  "a number over 5": z.number().gt(5),
  "a number under 0": z.number().lt(0),
  "a number between": z.number().gt(0).lt(1),
  "at most -3": z.number().max(-3),
  "a multiple": z.number().multipleOf(5).min(12),
  "an integer between": z.int().min(-8).max(-7),
  "a filled list": z.array(z.url()).min(3),
  "a tuple": z.tuple([z.url(), z.number()]),
  "a choice": z.enum(["a", "b"]),
  "a literal": z.literal(7),
  "null or a url": z.nullable(z.url()),
  "one of two": z.union([z.object({ url: z.url() }), z.object({ text: z.string() })]),
  "both of two": z.intersection(z.object({ url: z.url() }), z.object({ text: z.string() })),
  "told apart": z.discriminatedUnion("kind", [z.object({ kind: z.literal("x"), at: z.iso.date() })]),
  "a default": z.object({ n: z.number().default(3) }),
  "an example of its own": z.string().regex(/^x\d+$/).meta({ examples: ["x1"] }),
  record: z.record(z.string(), z.number()),
  anything: z.unknown(),
  recursive: tree,
  lazy: z.object({ inner: z.lazy(() => z.object({ url: z.url() })) }),
};

for (const [name, schema] of Object.entries(SCHEMAS)) {
  Deno.test(`an example fits its schema: ${name}`, () => {
    const sample = sampleOf(jsonSchemaOf(schema, "input"));
    const { success, error } = schema.safeParse(sample);
    assert.ok(success, `${JSON.stringify(sample)}: ${error}`);
  });
}

Deno.test("a URL is shown as one", () => {
  assert.deepEqual(sampleOf(jsonSchemaOf(z.object({ url: z.url() }), "input")), {
    url: "https://example.com/",
  });
});
