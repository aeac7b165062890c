// `errand group`

import type { GroupInfo, GroupSummary } from "../../client/mod.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { GroupListGiven } from "../given.ts";
import { bold, painted } from "../output/colors.ts";
import { firstOf } from "../output/first_of.ts";
import { type Column, tableOf } from "../output/table.ts";
import { ago, instant } from "../output/times.ts";
import type { Session } from "../session.ts";

const LARGEST_PAGE = 100;
/** Of a larger group the list of tasks tells. */
const MOST_TASKS = 50;

export async function listGroups(session: Session, given: GroupListGiven): Promise<ExitCode> {
  const { limit, state, createdAfter, createdBefore } = given;
  const most = limit === 0 ? Infinity : limit;
  const { groups } = await session.client();
  const found = groups.list({ state, createdAfter, createdBefore }, {
    pageSize: Math.min(most, LARGEST_PAGE),
  });
  await session.list(firstOf(found, most), groupColumns(session), "no groups");
  return EXIT.done;
}

function groupColumns({ io }: Session): Column<GroupSummary>[] {
  const now = io.now();
  return [
    { title: "ID", of: ({ id }) => id },
    { title: "STATE", of: ({ state }) => state, paint: (text, { state }) => painted(text, state, io.colors) },
    { title: "ENDED", of: ({ done, total }) => `${done}/${total}` },
    { title: "FAILED", of: ({ ended: { FAILED = 0, CRASHED = 0 } }) => FAILED + CRASHED || null },
    { title: "CREATED", of: ({ createdAt }) => ago(createdAt, now) },
    { title: "DEFINITIONS", of: ({ definitions }) => definitions.join(","), shrinks: true },
  ];
}

export async function showGroup(session: Session, id: string): Promise<ExitCode> {
  const group = await (await session.client()).groups.get(id);
  if (session.isJson) {
    session.json(group);
    return EXIT.done;
  }
  const { state, total, done, counts, policy, compensation, errors } = group;
  session.fields([
    ["id", group.id],
    ["state", state],
    ["ended", `${done} of ${total}`],
    ["tasks", countsOf(counts)],
    ["policy", policy && policyOf(policy)],
    ["taken back", compensation && `${compensation.done} of ${compensation.total}`],
    ["created", instant(group.createdAt)],
    ["finished", instant(group.endedAt)],
    ...errors.map(({ id, task, name, error }): [string, string] => [
      "error",
      `${id === null ? "the group" : `${name ?? task ?? ""} ${id}`}: ${error.name}: ${error.message}`,
    ]),
    ["times in", "UTC"],
  ]);
  session.io.out(tasksOf(session, group));
  return EXIT.done;
}

function countsOf(counts: GroupInfo["counts"]): string {
  return Object.entries(counts).map(([type, count]) => `${count} ${type}`).join(", ");
}

function policyOf({ onFailure, maxFailures, deadlineAt }: NonNullable<GroupInfo["policy"]>): string {
  const most = maxFailures > 0 ? `, after ${maxFailures} failures` : "";
  return `${onFailure}${most}${deadlineAt === null ? "" : `, until ${instant(deadlineAt)}`}`;
}

function tasksOf({ io }: Session, { id, nodes, total }: GroupInfo): string {
  const shown = (nodes ?? []).slice(0, MOST_TASKS);
  const columns: Column<typeof shown[0]>[] = [
    { title: "ID", of: ({ id }) => id },
    { title: "NAME", of: ({ name }) => name, shrinks: true },
    { title: "TASK", of: ({ task }) => task, shrinks: true },
    {
      title: "STATE",
      of: ({ state }) => state.name,
      paint: (text, { state }) => painted(text, state.type, io.colors),
    },
    { title: "SINCE", of: ({ state }) => ago(state.at, io.now()) },
    { title: "WHAT", of: ({ state }) => state.message, shrinks: true },
  ];
  const width = io.columns();
  const table = shown.length === 0 ? "" : tableOf(columns, shown, width === null ? null : width - 2);
  const more = total > shown.length ? `all ${total}: errand ls --group ${id} --limit 0\n` : "";
  return `\n${bold("tasks", io.colors)}\n${(table + more).replace(/^(?=.)/gm, "  ")}`;
}
