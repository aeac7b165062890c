// A group as a graph: its tasks as nodes, with an edge to each task from every task of the group that it
// waits for.

import type { GroupStatus, Runtime } from "../../runtime/mod.ts";
import { type Entry, stateOf } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { stateText } from "./task_json.ts";
import { type Text } from "../http/json_response.ts";

const MOST_NODES = 1_000;
/**
 * Two stages of a hundred tasks each, where every one of the second takes from every one of the first, have
 * 10,000.
 */
const MOST_EDGES = 20_000;

export interface GraphText {
  nodes: Text;
  edges: Text;
}

export const noGraph: GraphText = { nodes: "null", edges: "null" };

export async function graphText(runtime: Runtime, group: GroupStatus): Promise<GraphText> {
  if (group.total > MOST_NODES) return noGraph;
  const pages = await Array.fromAsync(runtime.groups.members.entries(group));
  const entries = pages.flat().filter((entry) => entry !== null);
  return { nodes: `[${entries.map(nodeText).join(",")}]`, edges: await edgesText(runtime, entries) };
}

function nodeText({ record }: Entry): Text {
  const name = record.node === undefined ? "null" : JSON.stringify(record.node);
  return `{"id":"${bare(record.id)}","name":${name},"task":"${record.task}","state":${
    stateText(stateOf(record))
  }}`;
}

async function edgesText(runtime: Runtime, entries: Entry[]): Promise<Text> {
  const most = entries.reduce((sum, { record }) => sum + (record.deps?.total ?? 0), 0);
  if (most > MOST_EDGES) return "null";
  const members = new Set(entries.map(({ record }) => record.id));
  const edges: Text[] = [];
  for (const { record: { id, deps } } of entries) {
    if (!deps) continue;
    const upstreams: string[] = JSON.parse(await runtime.value(id, deps.upstreams));
    for (const from of new Set(upstreams)) {
      if (members.has(from)) edges.push(`{"from":"${bare(from)}","to":"${bare(id)}"}`);
    }
  }
  return `[${edges.join(",")}]`;
}
