// Who did what, and what was refused.

import { useState } from "preact/hooks";
import type { AuditEntry, AuditPage } from "../data/answers.ts";
import { get, queryOf } from "../data/api.ts";
import { count, shortId } from "../data/format.ts";
import { useLoad } from "../data/load.ts";
import { hrefOf } from "../data/route.ts";
import { Bar } from "../ui/bar.tsx";
import { At, Empty, Panel, Shown } from "../ui/basics.tsx";
import { Head, numbers } from "../ui/head.tsx";
import { act } from "../ui/notices.tsx";

const LIMIT = 100;
const NAMES_SHOWN = 3;
const UUID = /^[\da-f]{8}-[\da-f-]{27}$/;

export function Audit() {
  const loaded = useLoad<AuditPage>(`/v1/audit${queryOf({ limit: LIMIT })}`, {
    everyMs: 3_000,
  });
  const [older, setOlder] = useState<AuditPage | null>(null);
  const [isRefused, setRefused] = useState(false);
  const more = (cursor: string) =>
    act(async () => {
      const page = await get<AuditPage>(
        `/v1/audit${queryOf({ limit: LIMIT, cursor })}`,
      );
      setOlder({
        entries: [...older?.entries ?? [], ...page.entries],
        nextCursor: page.nextCursor,
      });
    });
  return (
    <>
      <Bar title="Audit">
        <label class="check">
          <input
            type="checkbox"
            checked={isRefused}
            onChange={() => setRefused(!isRefused)}
          />{" "}
          refused only
        </label>
      </Bar>
      <Panel
        title="Newest first"
        aside="calls of a second that are alike are one entry"
      >
        <Shown loaded={loaded} lines={8}>
          {(page) => {
            const seen = new Set(older?.entries.map(({ id }) => id));
            const all = [
              ...page.entries.filter(({ id }) => !seen.has(id)),
              ...older?.entries ?? [],
            ];
            const shown = all.filter(({ refused }) => !isRefused || refused);
            const next = older === null ? page.nextCursor : older.nextCursor;
            return (
              <>
                {shown.length === 0
                  ? (
                    <Empty
                      title={isRefused ? "Nothing was refused" : "Nothing is noted"}
                    >
                      Changes and refused calls are noted where callers have keys.
                    </Empty>
                  )
                  : <Table entries={shown} />}
                {next && (
                  <button type="button" onClick={() => more(next)}>
                    Older
                  </button>
                )}
              </>
            );
          }}
        </Shown>
      </Panel>
    </>
  );
}

function Table({ entries }: { entries: AuditEntry[] }) {
  return (
    <table>
      <Head of={["When", "Who", "From", "What", "Which", numbers("Calls"), numbers("Status")]} />
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id} class={entry.refused ? "refused" : ""}>
            <td class="nowrap dim">
              <At at={entry.at} />
            </td>
            <td class="nowrap">
              <bdi>{entry.by ?? "no key"}</bdi> {entry.tenant && (
                <span class="dim">
                  of <bdi>{entry.tenant}</bdi>
                </span>
              )}
            </td>
            <td class="mono dim nowrap">{entry.from ?? "–"}</td>
            <td class="mono nowrap">{entry.action}</td>
            <td class="clip wide">
              {entry.which.slice(0, NAMES_SHOWN).map((name, i) => <Which key={i} name={name} />)}
              {entry.which.length > NAMES_SHOWN && (
                <span class="dim">
                  and {count(entry.which.length - NAMES_SHOWN)} more
                </span>
              )}
            </td>
            <td class="num">{count(entry.calls)}</td>
            <td class="num">
              {entry.refused ? <span class="state failed">{entry.status}</span> : entry.status}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Which({ name: told }: { name: string }) {
  const name = decoded(told);
  if (UUID.test(name)) {
    return (
      <>
        <a class="link mono" href={hrefOf("tasks", name)} title={name}>
          {shortId(name)}
        </a>
        {" "}
      </>
    );
  }
  return (
    <>
      <bdi class="mono">{name}</bdi>
      {" "}
    </>
  );
}

/** The path of a call says it so. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
