// A group on the wire.

import { z } from "zod";
import { once } from "../../runtime/core/once.ts";
import { ON_FAILURE } from "../../runtime/core/group_policy.ts";
import { GROUP_STATES } from "../../runtime/core/states.ts";
import { errorSchema, instant, stateSchema, stateType } from "./schemas.ts";

const nodeSchema = once(() =>
  z.object({
    id: z.uuid(),
    name: z.string().nullable().describe("Its name in a flow."),
    task: z.string(),
    state: stateSchema(),
  }).meta({ id: "Node" })
);

const edgeSchema = once(() => z.object({ from: z.uuid(), to: z.uuid() }).meta({ id: "Edge" }));

const groupErrorSchema = once(() =>
  z.object({
    id: z.uuid().nullable().describe("The task that failed; null for the group as a whole."),
    task: z.string().nullable().describe("The name of its definition."),
    name: z.string().nullable().describe("Its name in a flow."),
    // Not `nullable()`: see errorOrNull.
    state: z.union([stateSchema(), z.null()]),
    error: errorSchema(),
    compensates: z.uuid().optional().describe("Of a compensation: the task that it did not take back."),
  }).meta({ id: "GroupError" })
);

const policySchema = once(() =>
  z.object({
    onFailure: z.enum(ON_FAILURE),
    maxFailures: z.int(),
    deadlineAt: instant().nullable(),
  }).meta({ id: "GroupPolicy" })
);

const groupCompensationSchema = once(() =>
  z.object({
    groupId: z.uuid().nullable().describe("The group of the compensations; null until there is one."),
    total: z.int().describe("So many tasks have completed and have a compensation."),
    done: z.int().describe("So many compensations have completed."),
    failed: z.int().describe("So many have ended otherwise, or could not be submitted."),
    endedAt: instant().nullable(),
  }).meta({ id: "GroupCompensation" })
);

const linksSchema = once(() =>
  z.object({
    self: z.string(),
    asCompleted: z.string(),
    tasks: z.string(),
    results: z.string(),
    cancel: z.string(),
  })
);

export const groupSummarySchema = once(() =>
  z.object({
    id: z.uuid(),
    total: z.int(),
    done: z.int(),
    ended: z.partialRecord(stateType(), z.int()).describe(
      "How many of those that are done are in each state.",
    ),
    state: z.enum(GROUP_STATES),
    definitions: z.array(z.string()).describe("Of its first 3 tasks."),
    policy: z.union([policySchema(), z.null()]),
    createdAt: instant(),
    endedAt: instant().nullable(),
    links: linksSchema(),
  }).meta({ id: "GroupSummary" })
);

export const groupSchema = once(() =>
  z.object({
    id: z.uuid(),
    total: z.int(),
    done: z.int(),
    counts: z.partialRecord(stateType(), z.int()),
    state: z.enum(GROUP_STATES).describe(
      "CANCELLING: what had not ended was cancelled, and some of it runs still; or what has completed is " +
        "taken back. Without a policy the end " +
        "follows from its tasks, so a retry of one takes it back.",
    ),
    errors: z.array(groupErrorSchema()).describe(
      "The first 20 failures in time, a missed deadline, and compensations that failed.",
    ),
    policy: z.union([policySchema(), z.null()]),
    compensation: z.union([groupCompensationSchema(), z.null()])
      .describe("Null for a group that takes nothing back, or not yet."),
    endedAt: instant().nullable(),
    nodes: z.array(nodeSchema()).nullable().describe("Its tasks in their order; null for large groups."),
    edges: z.array(edgeSchema()).nullable()
      .describe(
        "Which of them waits (`to`) for which (`from`); null for large groups, or if there are very many.",
      ),
    createdAt: instant(),
    links: linksSchema(),
  }).meta({ id: "Group" })
);
