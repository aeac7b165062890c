// A union of forms that one look at the value tells apart. A z.union tries all of them and reports the faults
// of each. This one reports the faults of the form that was meant, or lists the forms.

import { z } from "zod";

/** What is wrong, and the path to it within the value. */
export interface FormFault {
  path: (string | number)[];
  message: string;
}

interface FormsDef extends z.core.$ZodUnionDef {
  choose: (value: unknown) => z.ZodType | FormFault;
}

/** To readers of schemas it is a union. It parses with the form that `choose` returns. */
const Forms: z.core.$constructor<z.ZodUnion, FormsDef> = z.core.$constructor("Forms", (schema, def) => {
  z.ZodUnion.init(schema, def);
  schema._zod.parse = (payload, context) => {
    const form = def.choose(payload.value);
    if ("_zod" in form) return form._zod.run(payload, context);
    payload.issues.push({ code: "custom", input: payload.value, inst: schema, ...form });
    return payload;
  };
});

/** One of `options`: `choose` returns which one, or what is wrong. */
export function chosen<Value>(
  options: z.ZodType<Value>[],
  choose: (value: unknown) => z.ZodType<Value> | FormFault,
): z.ZodType<Value> {
  return new Forms({ type: "union", options, choose }) as unknown as z.ZodType<Value>;
}

/**
 * The forms are objects; each has a key that the others do not have.
 *
 * @param shown the forms as error messages list them.
 */
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
