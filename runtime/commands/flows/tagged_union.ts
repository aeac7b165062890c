// A choice between forms in which one look at the value hasCurrentTime the form. A plain z.union tries all of
// them and then has as many opinions on what is wrong; here the form that was meant speaks, and what is no
// form is told which there are.

import { z } from "zod";

/** Where, from the value inwards, something is wrong. */
export interface FormFault {
  path: (string | number)[];
  message: string;
}

interface FormsDef extends z.core.$ZodUnionDef {
  choose: (value: unknown) => z.ZodType | FormFault;
}

/** A union for everybody who reads schemas, which parses by its choice. */
const Forms: z.core.$constructor<z.ZodUnion, FormsDef> = z.core.$constructor("Forms", (schema, def) => {
  z.ZodUnion.init(schema, def);
  schema._zod.parse = (payload, context) => {
    const form = def.choose(payload.value);
    if ("_zod" in form) return form._zod.run(payload, context);
    payload.issues.push({ code: "custom", input: payload.value, inst: schema, ...form });
    return payload;
  };
});

/** One of `options`: `choose` says which, or what is wrong. */
export function chosen<Value>(
  options: z.ZodType<Value>[],
  choose: (value: unknown) => z.ZodType<Value> | FormFault,
): z.ZodType<Value> {
  return new Forms({ type: "union", options, choose }) as unknown as z.ZodType<Value>;
}

/** The forms are objects, told apart by the key that only one of them has; `shown` has them for people. */
export function chooseByKey<Value>(
  forms: Record<string, z.ZodType<Value>>,
  shown: string,
): (value: unknown) => z.ZodType<Value> | FormFault {
  const keys = Object.keys(forms);
  return (value) => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const present = isObject ? keys.filter((key) => Object.hasOwn(value, key)) : [];
    if (present.length === 1) return forms[present[0]];
    const both = present.map((key) => `"${key}"`).join(" and ");
    const message = present.length > 1 ? `has ${both}, but must be only one of ${shown}` : `must be ${shown}`;
    return { path: [], message };
  };
}
