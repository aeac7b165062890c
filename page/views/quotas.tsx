// Quotas: what was said of how much a key or a tenant may use.

import type { Counted, Quota, QuotaName } from "../data/answers.ts";
import { call, queryOf } from "../data/api.ts";
import { bytes, count } from "../data/format.ts";
import { Changed, Empty } from "../ui/basics.tsx";
import { AskingButton, Field } from "../ui/dialog.tsx";
import { Head } from "../ui/head.tsx";
import { act } from "../ui/notices.tsx";

interface Column {
  title: string;
  /** Of what is counted: in all processes, or in the one that answers. */
  note: string;
  text: (value: number) => string;
}

export const COLUMNS: Record<QuotaName, Column> = {
  requestsPerSecond: { title: "Requests a second", note: "of this process", text: count },
  queued: { title: "Waiting tasks", note: "in all processes", text: count },
  running: { title: "Running", note: "of this process", text: count },
  waiting: { title: "Streams and waits", note: "of this process", text: count },
  bodyBytes: { title: "Bodies in memory", note: "of this process", text: bytes },
  storedBytes: { title: "Stored", note: "counted where it is bounded", text: bytes },
};
export const NAMES = Object.keys(COLUMNS) as QuotaName[];

/** The tenant of keys that have none of their own has no name. */
export const whoOf = ({ kind, name }: Counted) => kind === "tenant" && name === "" ? "default" : name;

export const isSame = (a: Counted, b: Counted) =>
  a.kind === b.kind && a.name === b.name && a.tenant === b.tenant;

export function Quotas({ rules }: { rules: Quota[] }) {
  if (rules.length === 0) {
    return (
      <Empty title="No quotas">
        They bound what a key or a tenant uses, so that others have their part: Quotas… of a line above.
      </Empty>
    );
  }
  return (
    <table>
      <Head of={["Who", "At most", "Changed"]} hasActions />
      <tbody>
        {rules.map((rule) => (
          <tr key={`${rule.kind} ${rule.tenant} ${rule.name}`}>
            <td>
              <Who of={rule} />
            </td>
            <td>
              {(Object.entries(rule.quotas) as [QuotaName, number][]).map(([name, most]) => (
                <span key={name} class="tag">{COLUMNS[name].title}: {COLUMNS[name].text(most)}</span>
              ))}
            </td>
            <td class="dim nowrap">
              <Changed of={rule} />
            </td>
            <td class="num nowrap">
              <QuotaActions of={rule} rule={rule} />
              <AskingButton
                label="Delete…"
                title={`Delete the quotas of ${whoOf(rule)}?`}
                verb="Delete them"
                isDangerous
                onDone={() =>
                  act(async () => {
                    await call("DELETE", pathOf(rule));
                    return "The quotas are gone";
                  })}
              >
                <p>It may use what is there, as those without quotas.</p>
              </AskingButton>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function QuotaActions({ of, rule }: { of: Counted; rule?: Quota }) {
  // The default tenant has none.
  if (of.kind === "tenant" && of.name === "") return null;
  const set = (values: FormData) =>
    act(async () => {
      const said = NAMES.flatMap((name) => values.get(name) ? [[name, Number(values.get(name))]] : []);
      await call("PUT", pathOf(of), { body: Object.fromEntries(said) });
      return `The quotas of ${whoOf(of)} are in force`;
    });
  return (
    <AskingButton
      label="Quotas…"
      title={`How much may ${whoOf(of)} use?`}
      verb="Set them"
      isWide
      onDone={set}
    >
      <p>They hold within a second in every process. Empty: as without quotas.</p>
      <div class="pair">
        {NAMES.map((name) => (
          <Field key={name} label={COLUMNS[name].title} note={COLUMNS[name].note}>
            <input name={name} type="number" min={1} step={1} defaultValue={rule?.quotas[name]} />
          </Field>
        ))}
      </div>
    </AskingButton>
  );
}

function pathOf({ kind, name, tenant }: Counted): string {
  const query = kind === "key" && tenant !== null ? queryOf({ tenant }) : "";
  return `/v1/quotas/${kind}/${encodeURIComponent(name)}${query}`;
}

export function Who({ of }: { of: Counted }) {
  return (
    <>
      <span class="dim">{of.kind}</span> <bdi>{whoOf(of)}</bdi> {of.tenant !== null && (
        <span class="dim">
          of <bdi>{of.tenant}</bdi>
        </span>
      )}
    </>
  );
}
