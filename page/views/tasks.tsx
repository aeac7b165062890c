// All tasks that fit the filters of the address: live, as long as it may be, and to act on.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { CallError } from "../data/api.ts";
import { count } from "../data/format.ts";
import { keepReading } from "../data/load.ts";
import { hrefOf, route } from "../data/route.ts";
import { TaskRows } from "../data/task_rows.ts";
import { Bar } from "../ui/bar.tsx";
import { Empty, Fault, Skeleton } from "../ui/basics.tsx";
import { VirtualRows } from "../ui/virtual_rows.tsx";
import { BulkButton } from "./bulk.tsx";
import { ColumnHeads, columnsShown, Row, ROW_HEIGHT } from "./task_row.tsx";
import { FILTERS, Filters } from "./task_filters.tsx";
import { Selection } from "./task_selection.tsx";

export function Tasks() {
  const query = route.value.query;
  const filters = Object.fromEntries(
    FILTERS.flatMap((name) => query.get(name) ? [[name, query.get(name)!]] : []),
  );
  const place = JSON.stringify(filters);
  return (
    <div class="tasks-view">
      <Bar title="Tasks">
        <span class="spacer" />
        <BulkButton filters={filters} />
      </Bar>
      <Filters filters={filters} />
      <List key={place} filters={filters} />
    </div>
  );
}

function List({ filters }: { filters: Record<string, string> }) {
  const [, redraw] = useState(0);
  const [error, setError] = useState<CallError | null>(null);
  const [isRead, setRead] = useState(false);
  const rows = useMemo(
    () => new TaskRows(filters, () => redraw((round) => round + 1)),
    [],
  );
  const sight = useRef({ first: 0, last: 50 });
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const lastPicked = useRef<number | null>(null);
  const columns = useComputed(columnsShown);
  const abort = useMemo(() => new AbortController(), []);
  const tell = (failure: unknown) => {
    if (abort.signal.aborted) return;
    if (!(failure instanceof CallError)) throw failure;
    setError(failure);
  };
  useEffect(() => {
    const stop = keepReading(async (signal) => {
      try {
        await rows.refresh(sight.current.first, sight.current.last, signal);
        if (signal.aborted) return;
        setError(null);
        setRead(true);
      } catch (failure) {
        if (!signal.aborted) tell(failure);
      }
    }, 1_000);
    return () => {
      stop();
      abort.abort();
    };
  }, []);
  const onShown = (first: number, last: number) => {
    sight.current = { first, last };
    if (isRead && last >= rows.length && !rows.isEnd) {
      rows.more(abort.signal).catch(tell);
    }
  };
  const pick = (index: number, isOn: boolean, isRange: boolean) => {
    const picked = new Set(selected.value);
    const from = isRange && lastPicked.current !== null ? lastPicked.current : index;
    for (let i = Math.min(from, index); i <= Math.max(from, index); i++) {
      const id = rows.at(i)?.id;
      if (id && isOn) picked.add(id);
      else if (id) picked.delete(id);
    }
    lastPicked.current = index;
    selected.value = picked;
  };
  const all = rows.count;
  return (
    <>
      <Selection selected={selected} />
      <div
        class="panel list"
        role="table"
        aria-label="Tasks"
        aria-rowcount={all?.exact ? all.value : -1}
      >
        <ColumnHeads
          columns={columns.value}
          isAll={rows.length > 0 && selected.value.size >= rows.length}
          onAll={(isOn) => selected.value = new Set(isOn ? rows.ids() : [])}
        />
        {error && rows.length === 0
          ? <Fault error={error} />
          : !isRead
          ? <Skeleton lines={12} />
          : rows.length === 0 && rows.isEnd
          ? <Nothing isFiltered={Object.keys(filters).length > 0} />
          : (
            <VirtualRows
              total={rows.length}
              rowHeight={ROW_HEIGHT}
              onShown={onShown}
              label="Tasks, newest first"
              role="rowgroup"
              row={(index) => (
                <Row
                  key={rows.at(index)!.id}
                  row={rows.at(index)!}
                  index={index}
                  columns={columns.value}
                  isPicked={selected.value.has(rows.at(index)!.id)}
                  onPick={pick}
                />
              )}
            />
          )}
      </div>
      <p class="foot dim" role="status">
        {isRead && (
          <>
            {all ? `${count(all.value)}${all.exact ? "" : "+"} tasks` : `${count(rows.length)} tasks`}
            {rows.length > 0 && !rows.isEnd && `, ${count(rows.length)} read`}
            {selected.value.size > 0 &&
              `, ${count(selected.value.size)} chosen`}
          </>
        )}
      </p>
    </>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered
    ? (
      <Empty title="No task fits these filters">
        <a class="link" href={hrefOf("tasks")}>Show all tasks</a>
      </Empty>
    )
    : (
      <Empty title="No tasks">
        <a class="link" href={hrefOf("definitions")}>
          Submit one from its form
        </a>
      </Empty>
    );
}
