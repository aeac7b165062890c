// From what the engine tells of a group to its JSON on the wire.

import { type GroupError, type GroupStatus, type GroupSummary, isoAt } from "../../runtime/mod.ts";
import { stateOf } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import type { Text } from "../http/json_response.ts";
import type { GraphText } from "./graph_json.ts";
import { stateText } from "./task_json.ts";

export function groupText(
  group: GroupStatus,
  { nodes, edges }: GraphText,
  prefix: string,
): Text {
  const { id: inner, total, done, counts, state, endedAt, createdAt } = group;
  const id = bare(inner);
  return `{"id":"${id}","total":${total},"done":${done},"counts":${JSON.stringify(counts)},` +
    `"state":"${state}","errors":[${group.errors.map(errorText).join(",")}],` +
    `"policy":${policyText(group)},"compensation":${
      compensationText(group)
    },"nodes":${nodes},"edges":${edges},` +
    `"createdAt":"${isoAt(createdAt)}","endedAt":${instantText(endedAt)},"links":${linksText(id, prefix)}}`;
}

/** What a list tells of a group. */
export function groupSummaryText(group: GroupSummary, prefix: string): Text {
  const { total, done, ended, definitions, state, endedAt, createdAt } = group;
  const id = bare(group.id);
  const counted = JSON.stringify({ id, total, done, ended, state, definitions });
  return `${counted.slice(0, -1)},"policy":${policyText(group)},"createdAt":"${isoAt(createdAt)}",` +
    `"endedAt":${instantText(endedAt)},"links":${linksText(id, prefix)}}`;
}

function linksText(id: string, prefix: string): Text {
  const self = `${prefix}/v1/groups/${id}`;
  return JSON.stringify({
    self,
    asCompleted: `${prefix}/v1/as-completed?groupId=${id}`,
    tasks: `${prefix}/v1/tasks?groupId=${id}`,
    results: `${self}/results`,
    cancel: `${self}/cancel`,
  });
}

function errorText({ entry, error, refused }: GroupError): Text {
  const { id, task, node, compensates } = entry?.record ?? {};
  const state = entry === null ? "null" : stateText(stateOf(entry.record));
  const takesBack = compensates ?? refused?.task;
  const who = {
    id: id === undefined ? null : bare(id),
    task: task ?? refused?.definition ?? null,
    name: node ?? null,
    ...(takesBack === undefined ? {} : { compensates: bare(takesBack) }),
  };
  return `${JSON.stringify(who).slice(0, -1)},"state":${state},"error":${JSON.stringify(error)}}`;
}

function compensationText({ compensation }: GroupStatus): Text {
  if (compensation === null) return "null";
  const { groupId, total, done, failed, endedAt } = compensation;
  const id = groupId === null ? "null" : `"${bare(groupId)}"`;
  return `{"groupId":${id},"total":${total},"done":${done},"failed":${failed},` +
    `"endedAt":${instantText(endedAt)}}`;
}

function policyText({ policy }: Pick<GroupStatus, "policy">): Text {
  if (policy === null) return "null";
  const { onFailure, maxFailures = 0, until = null } = policy;
  return `{"onFailure":"${onFailure}","maxFailures":${maxFailures},"deadlineAt":${instantText(until)}}`;
}

function instantText(at: number | null): Text {
  return at === null ? "null" : `"${isoAt(at)}"`;
}
