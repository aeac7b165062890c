// A chart of lines over time: uPlot in the colours of the page.

import uPlot from "uplot";
import { duration } from "./data/format.ts";

export interface Series {
  name: string;
  /** The name of a colour of page.css. */
  color: string;
  values: (number | null)[];
}

export interface Chart {
  /** @param at in seconds since 1970 */
  update: (at: number[], series: Series[], unit: "count" | "ms") => void;
  destroy: () => void;
}

const HEIGHT = 190;
const FONT = "11px ui-sans-serif, system-ui, sans-serif";

export function draw(box: HTMLElement): Chart {
  let plot: uPlot | null = null;
  let again = () => {};
  const color = (name: string) => getComputedStyle(box).getPropertyValue(`--${name}`).trim() || "gray";
  const observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT }));
  observer.observe(box);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const onScheme = () => again();
  dark.addEventListener("change", onScheme);
  const make = (series: Series[], unit: "count" | "ms") =>
    new uPlot(
      {
        width: box.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 5 } },
        padding: [8, 18, 0, 0],
        scales: {
          y: {
            range: (
              _,
              __,
              most,
            ) => [0, Math.max(unit === "ms" ? 10 : 4, most * 1.1)],
          },
        },
        series: [
          {},
          ...series.map((each, i) => ({
            label: each.name,
            stroke: color(each.color),
            width: 1.6,
            fill: i === 0 ? `color-mix(in srgb, ${color(each.color)} 14%, transparent)` : undefined,
            points: { show: false },
          })),
        ],
        axes: [
          {
            stroke: color("dim"),
            font: FONT,
            grid: { show: false },
            ticks: { show: false },
            space: 80,
            size: 26,
            values: "{HH}:{mm}",
          },
          {
            stroke: color("dim"),
            font: FONT,
            size: 56,
            grid: { stroke: color("line"), width: 1 },
            ticks: { show: false },
            space: 36,
            values: (_, values) =>
              values.map((value) => unit === "ms" ? duration(value) : value.toLocaleString("en")),
          },
        ],
      },
      [[], ...series.map(() => [])] as uPlot.AlignedData,
      box,
    );
  let shown = "";
  return {
    update(at, series, unit) {
      const data = [
        at,
        ...series.map(({ values }) => values),
      ] as uPlot.AlignedData;
      const kind = series.map(({ name }) => name).join() + unit;
      again = () => {
        plot?.destroy();
        plot = make(series, unit);
        plot.setData(data);
      };
      if (kind !== shown) again();
      else plot!.setData(data);
      shown = kind;
    },
    destroy() {
      observer.disconnect();
      dark.removeEventListener("change", onScheme);
      plot?.destroy();
    },
  };
}
