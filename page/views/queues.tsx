// Queues: what is in them, and pausing them.

import { useLoad } from "../data/load.ts";
import type { QueueList } from "../data/answers.ts";
import { Bar } from "../ui/bar.tsx";
import { Ago, Panel, Shown } from "../ui/basics.tsx";
import { PauseButton } from "./pausing.tsx";
import { QueueTable } from "./queue_table.tsx";

export function Queues() {
  const loaded = useLoad<QueueList>("/v1/queues");
  const paused = loaded.value?.paused ?? null;
  return (
    <>
      <Bar title="Queues">
        {paused && (
          <span class="state paused">
            everything is paused {paused.by && (
              <>
                by <bdi>{paused.by}</bdi>
              </>
            )} <Ago at={paused.since} />
            {paused.note && (
              <>
                : <bdi>{paused.note}</bdi>
              </>
            )}
          </span>
        )}
        <span class="spacer" />
        {loaded.value && (
          <span class="labelled">
            <span class="dim">Everything</span>
            <PauseButton
              path="/v1"
              what="everything"
              paused={paused}
              meaning="No more tasks start, in no process. What runs goes on, and submits are taken."
            />
          </span>
        )}
      </Bar>
      <Panel title="All queues">
        <Shown loaded={loaded} lines={3}>
          {({ queues }) => <QueueTable queues={queues} />}
        </Shown>
      </Panel>
      <p class="dim foot">
        Ready: they wait for a worker. At a limit: for a slot of their key. For others: for other tasks.
        Later: their time has not come.
      </p>
    </>
  );
}
