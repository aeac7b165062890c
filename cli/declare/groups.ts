// `errand group`

import { GROUP_STATES } from "../../runtime/core/states.ts";
import { type Declaring, examples, groupOf, listing } from "../declaring.ts";
import type { GroupListGiven } from "../given.ts";
import { pastInstant, someOf, whole } from "../values.ts";

export function groupCommands({ program, act, io }: Declaring): void {
  const past = pastInstant(io.now);
  const group = groupOf(
    program,
    "group",
    "groups and flows: tasks that are waited for together",
    "errand group",
    "errand group show $ID",
  );
  listing(group).description("list groups, newest first")
    .option("-s, --state <states>", "in one of these states", someOf(GROUP_STATES))
    .option("--created-after <when>", "an instant, or so long ago: 2h", past)
    .option("--created-before <when>", "an instant, or so long ago: 2h", past)
    .option("-n, --limit <n>", "so many; 0: all", whole(0), 50)
    .addHelpText(
      "after",
      examples("errand group ls --state RUNNING", "errand group ls --state FAILED --created-after 1d"),
    )
    .action(
      act(async (session, given: GroupListGiven) =>
        (await import("../commands/groups.ts")).listGroups(session, given)
      ),
    );
  group.command("show").description("one group: how far it is, what failed, and its tasks").argument("<id>")
    .addHelpText("after", examples("errand group show $ID", "errand group show $ID -o json | jq .counts"))
    .action(
      act(async (session, id: string) => (await import("../commands/groups.ts")).showGroup(session, id)),
    );
}
