// What each key and tenant uses of the service and may use, and the quotas that say so.

import type { Quota, QuotaName, Usage } from "../data/answers.ts";
import { useLoad } from "../data/load.ts";
import { may } from "../data/session.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Meter, Panel, Shown } from "../ui/basics.tsx";
import { Head } from "../ui/head.tsx";
import { COLUMNS, isSame, NAMES, QuotaActions, Quotas, Who } from "./quotas.tsx";

export function UsageView() {
  const isAdmin = may("admin");
  const usage = useLoad<{ usage: Usage[] }>("/v1/usage", { everyMs: 2_000 });
  const quotas = useLoad<{ quotas: Quota[] }>(isAdmin ? "/v1/quotas" : null, { everyMs: 3_000 });
  const rules = quotas.value?.quotas ?? [];
  return (
    <>
      <Bar title="Usage" />
      <Panel title="In use" aside="by key and tenant">
        <Shown loaded={usage} lines={3}>
          {({ usage }) =>
            usage.length === 0
              ? (
                <Empty title="Nobody is counted">
                  Without API keys callers are not told apart, and have no quotas.
                </Empty>
              )
              : <Table usage={usage} rules={rules} isAdmin={isAdmin} />}
        </Shown>
      </Panel>
      {isAdmin && (
        <Panel title="Quotas" aside="what is left out is as without quotas">
          <Shown loaded={quotas} lines={3}>
            {({ quotas }) => <Quotas rules={quotas} />}
          </Shown>
        </Panel>
      )}
    </>
  );
}

function Table({ usage, rules, isAdmin }: { usage: Usage[]; rules: Quota[]; isAdmin: boolean }) {
  return (
    <table>
      <Head of={["Who", ...NAMES.map((name) => COLUMNS[name])]} hasActions={isAdmin} />
      <tbody>
        {usage.map((one) => (
          <tr key={`${one.kind} ${one.tenant} ${one.name}`}>
            <td>
              <Who of={one} />
            </td>
            {NAMES.map((name) => (
              <td key={name} class="nowrap">
                <Used {...one[name]} name={name} />
              </td>
            ))}
            {isAdmin && (
              <td class="num nowrap">
                <QuotaActions of={one} rule={rules.find((rule) => isSame(rule, one))} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Used({ used, limit, name }: Usage[QuotaName] & { name: QuotaName }) {
  const { title, text } = COLUMNS[name];
  if (used === null) return <span class="dim">–</span>;
  if (limit === null) return <>{text(used)}</>;
  return (
    <>
      <span class={used >= limit ? "warn" : ""}>{text(used)}</span> <span class="dim">of {text(limit)}</span>
      <Meter share={used / Math.max(1, limit)} label={title} />
    </>
  );
}
