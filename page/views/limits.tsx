// Limits by key: the rules, and how far each limit is used.

import type { LimitList, LimitRule } from "../data/answers.ts";
import { call } from "../data/api.ts";
import { count } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { may } from "../data/session.ts";
import { Bar } from "../ui/bar.tsx";
import { Changed, Empty, Panel, Shown } from "../ui/basics.tsx";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { act } from "../ui/notices.tsx";
import { InUse, rateText } from "./limits_in_use.tsx";

export function Limits() {
  const loaded = useLoad<LimitList>("/v1/limits?limit=200", { everyMs: 1_500 });
  return (
    <>
      <Bar title="Limits">
        <span class="spacer" />
        {may("operate") && <RuleButton />}
      </Bar>
      <Panel title="Rules" aside="a rule outranks what submits say">
        <Shown loaded={loaded} lines={3}>
          {({ rules }) => <Rules rules={rules} />}
        </Shown>
      </Panel>
      <Panel title="In use" aside="of the last hour">
        <Shown loaded={loaded} lines={4}>
          {({ limits, nextAfter }) => <InUse limits={limits} isPart={nextAfter !== null} />}
        </Shown>
      </Panel>
    </>
  );
}

function Rules({ rules }: { rules: LimitRule[] }) {
  if (rules.length === 0) {
    return (
      <Empty title="No rules">
        A rule bounds how many tasks with a key run at once, or start in a period:{" "}
        <code>tenant/*</code>.{may("operate") && " New rule… makes one."}
      </Empty>
    );
  }
  return (
    <table>
      <Head of={["Keys", numbers("At once"), "Rate", "Note", "Changed"]} hasActions />
      <tbody>
        {rules.map((rule) => (
          <tr key={rule.pattern}>
            <td class="mono">
              <bdi>{rule.pattern}</bdi>
            </td>
            <td class="num">
              {rule.concurrency === null ? "–" : count(rule.concurrency)}
            </td>
            <td>{rateText(rule.rateLimit)}</td>
            <td class="dim clip wide">
              <bdi>{rule.note ?? ""}</bdi>
            </td>
            <td class="dim nowrap">
              <Changed of={rule} />
            </td>
            <td class="num nowrap">
              {may("operate") && (
                <>
                  <RuleButton rule={rule} />{" "}
                  <AskingButton
                    label="Delete…"
                    title={`Delete the rule ${rule.pattern}?`}
                    verb="Delete it"
                    isDangerous
                    onDone={() =>
                      act(async () => {
                        await call(
                          "DELETE",
                          `/v1/limits/${encodeURIComponent(rule.pattern)}`,
                        );
                        return "The rule is gone";
                      })}
                  >
                    <p>
                      What waits because of it starts, as far as nothing else holds it.
                    </p>
                  </AskingButton>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RuleButton({ rule }: { rule?: LimitRule }) {
  const set = (values: FormData) =>
    act(async () => {
      const number = (name: string) => values.get(name) ? Number(values.get(name)) : undefined;
      const [concurrency, limit, seconds, burst] = [
        "concurrency",
        "limit",
        "seconds",
        "burst",
      ].map(number);
      const pattern = rule?.pattern ?? String(values.get("pattern")).trim();
      const note = String(values.get("note") ?? "").trim();
      await call("PUT", `/v1/limits/${encodeURIComponent(pattern)}`, {
        body: {
          concurrency,
          ...(limit !== undefined &&
            { rateLimit: { limit, periodMs: (seconds ?? 1) * 1_000, burst } }),
          ...(note !== "" && { note }),
        },
      });
      return `The rule ${pattern} is in force`;
    });
  return (
    <AskingButton
      label={rule ? "Change…" : "New rule…"}
      title={rule ? `Change ${rule.pattern}` : "A new rule"}
      verb="Set it"
      onDone={set}
    >
      {!rule && (
        <Field
          label="Keys"
          note="A key, or a pattern: * stands for any characters but /."
        >
          <input
            name="pattern"
            required
            placeholder="tenant/*"
            spellcheck={false}
            autoComplete="off"
          />
        </Field>
      )}
      <Field
        label="At once"
        note="Tasks with one key. 0 holds all of them. Empty: no bound."
      >
        <input
          name="concurrency"
          type="number"
          min={0}
          defaultValue={rule?.concurrency ?? undefined}
        />
      </Field>
      <div class="side">
        <Field label="Starts">
          <input
            name="limit"
            type="number"
            min={1}
            defaultValue={rule?.rateLimit?.limit}
          />
        </Field>
        <Field label="in seconds">
          <input
            name="seconds"
            type="number"
            min={0.001}
            step="any"
            defaultValue={rule?.rateLimit ? rule.rateLimit.periodMs / 1_000 : undefined}
          />
        </Field>
        <Field label="at once">
          <input
            name="burst"
            type="number"
            min={1}
            defaultValue={rule?.rateLimit?.burst}
          />
        </Field>
      </div>
      <Field label="Note">
        <input
          name="note"
          maxLength={200}
          defaultValue={rule?.note ?? ""}
          autoComplete="off"
        />
      </Field>
    </AskingButton>
  );
}
