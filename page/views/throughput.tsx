// Ends by state, and how long tasks wait and run, over the last minutes.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Chart, Series } from "../chart.ts";
import type { Loaded } from "../data/load.ts";
import { chartModule } from "../data/parts.ts";
import type { Stats } from "../data/answers.ts";
import { MINUTES } from "../data/stats.ts";
import { Empty, Panel, Skeleton } from "../ui/basics.tsx";

type Shown = "ends" | "wait" | "run";
const TITLES: Record<Shown, string> = {
  ends: "Ends",
  wait: "Wait",
  run: "Run",
};
const UNITS: Record<Shown, string> = {
  ends: "per minute, by state",
  wait: "from ready to running",
  run: "time in functions",
};

export function Throughput({ stats }: { stats: Loaded<Stats> }) {
  const [shown, setShown] = useState<Shown>("ends");
  const { value, error } = stats;
  return (
    <Panel
      title={
        <span class="tabs" role="group" aria-label="What the chart shows">
          {(Object.keys(TITLES) as Shown[]).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === shown}
              onClick={() => setShown(each)}
            >
              {TITLES[each]}
            </button>
          ))}
        </span>
      }
      aside={`${UNITS[shown]}, ${MINUTES} min`}
      class="chart-panel"
    >
      {value ? <Drawing stats={value} shown={shown} /> : error
        ? (
          <Empty title="No figures">
            {error.status === 404 ? "This service keeps none." : error.message}
          </Empty>
        )
        : <Skeleton lines={6} />}
    </Panel>
  );
}

function Drawing({ stats, shown }: { stats: Stats; shown: Shown }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    chartModule().then(({ draw }) => {
      // Null as soon as the view is left; what an effect gives back is called a frame later.
      if (box.current === null) return;
      chart.current = draw(box.current);
      setReady(true);
    });
    return () => chart.current?.destroy();
  }, []);
  const series = seriesOf(stats, shown);
  useEffect(() => {
    const at = stats.perMinute.map(({ at }) => Date.parse(at) / 1_000);
    if (isReady) {
      chart.current?.update(at, series, shown === "ends" ? "count" : "ms");
    }
  }, [isReady, stats, shown]);
  const label = series.map(({ name, values }) => `${name}: last ${values.at(-2) ?? "none"}`).join(", ");
  return (
    <>
      <div
        ref={box}
        class="chart"
        role="img"
        aria-label={`${TITLES[shown]}, ${MINUTES} minutes. ${label}`}
      />
      <div class="legend" aria-hidden="true">
        {series.map(({ name, color }) => <span key={name} class={`key ${color}`}>{name}</span>)}
      </div>
    </>
  );
}

function seriesOf({ perMinute }: Stats, shown: Shown): Series[] {
  if (shown !== "ends") {
    return (["p50", "p90", "p99"] as const).map((which, i) => ({
      name: which,
      color: ["running", "scheduled", "failed"][i],
      values: perMinute.map(({ happened }) => happened[shown][which]),
    }));
  }
  const ends = (...types: string[]) =>
    perMinute.map(({ happened }) => types.reduce((sum, type) => sum + (happened.ended[type] ?? 0), 0));
  return [
    { name: "completed", color: "completed", values: ends("COMPLETED") },
    { name: "failed", color: "failed", values: ends("FAILED", "CRASHED") },
    { name: "cancelled", color: "cancelled", values: ends("CANCELLED") },
  ];
}
