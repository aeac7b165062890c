// How many tasks of a queue run at once.

import { call } from "../data/api.ts";
import { may } from "../data/session.ts";
import type { Queue } from "../data/answers.ts";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { act } from "../ui/notices.tsx";

export function ConcurrencyButton({ name, concurrency }: Pick<Queue, "name" | "concurrency">) {
  if (!may("operate")) return null;
  const { current, override, overriddenBy } = concurrency;
  const set = (values: FormData) =>
    act(async () => {
      const text = String(values.get("concurrency") ?? "").trim();
      const said = text === "" ? null : Number(text);
      await call("PUT", `/v1/queues/${name}`, { body: { concurrency: said } });
      return said === null ? `Nothing limits the queue ${name}` : `At most ${said} of ${name} run at once`;
    });
  return (
    <AskingButton
      label="Limit…"
      title={`How many of the queue ${name} may run at once?`}
      verb="Set it"
      onDone={set}
    >
      <p>In all processes together. What runs goes on.</p>
      <Field
        label="At once"
        note={`Empty: no limit. 0 holds all.${
          override !== null && overriddenBy ? ` Set by ${overriddenBy}.` : ""
        }`}
      >
        <input name="concurrency" type="number" min={0} defaultValue={current ?? undefined} />
      </Field>
    </AskingButton>
  );
}
