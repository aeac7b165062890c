// A flow as a drawing: which task waits for which. The layout is made once for a shape, beside the page.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { hrefOf } from "../data/route.ts";
import { graphWorker } from "../data/parts.ts";
import type { GroupInfo } from "../data/answers.ts";
import type { Layout, LayoutRequest } from "../graph_worker.ts";
import { Skeleton, wordsOf } from "../ui/basics.tsx";

const WIDTH = 150;
const HEIGHT = 30;
const LONGEST_NAME = 20;
const STEP = 1.3;
/** Of more the layout would take a minute, and nobody could follow them. */
export const MOST_LINES = 2_500;

interface GraphProps {
  nodes: NonNullable<GroupInfo["nodes"]>;
  edges: NonNullable<GroupInfo["edges"]>;
}

interface Place {
  x: number;
  y: number;
  scale: number;
}

export function Graph({ nodes, edges }: GraphProps) {
  const shape = useMemo(
    () => JSON.stringify([nodes.map(({ id }) => id), edges]),
    [nodes, edges],
  );
  const [layout, setLayout] = useState<Layout | null>(null);
  useEffect(() => {
    const worker = graphWorker();
    worker.onmessage = ({ data }: MessageEvent<Layout>) => setLayout(data);
    worker.postMessage(
      {
        nodes: nodes.map(({ id }) => id),
        edges,
        width: WIDTH,
        height: HEIGHT,
      } satisfies LayoutRequest,
    );
    return () => worker.terminate();
  }, [shape]);
  if (layout === null) return <Skeleton lines={8} />;
  return <Drawing nodes={nodes} layout={layout} />;
}

function Drawing(
  { nodes, layout }: { nodes: GraphProps["nodes"]; layout: Layout },
) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<Place>({ x: 0, y: 0, scale: 1 });
  const whole = () => {
    const { clientWidth, clientHeight } = box.current!;
    const scale = Math.min(
      1,
      clientWidth / layout.width,
      clientHeight / layout.height,
    );
    setPlace({
      x: (clientWidth - layout.width * scale) / 2,
      y: (clientHeight - layout.height * scale) / 2,
      scale,
    });
  };
  useEffect(whole, [layout]);
  const zoom = (
    by: number,
    x = box.current!.clientWidth / 2,
    y = box.current!.clientHeight / 2,
  ) =>
    setPlace((before) => {
      const scale = Math.min(4, Math.max(0.02, before.scale * by));
      const share = scale / before.scale;
      return {
        scale,
        x: x - (x - before.x) * share,
        y: y - (y - before.y) * share,
      };
    });
  useEffect(() => {
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top } = box.current!.getBoundingClientRect();
      zoom(
        event.deltaY < 0 ? STEP : 1 / STEP,
        event.clientX - left,
        event.clientY - top,
      );
    };
    box.current!.addEventListener("wheel", onWheel, { passive: false });
    return () => box.current?.removeEventListener("wheel", onWheel);
  }, []);
  const drag = (event: PointerEvent) => {
    if (event.buttons !== 1) return;
    setPlace((before) => ({
      ...before,
      x: before.x + event.movementX,
      y: before.y + event.movementY,
    }));
  };
  const lines = useMemo(
    () => layout.lines.map(({ points }) => pathOf(points)).join(""),
    [layout],
  );
  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [40, 0],
      ArrowRight: [-40, 0],
      ArrowUp: [0, 40],
      ArrowDown: [0, -40],
    };
    const move = moves[event.key];
    if (event.key === "+") zoom(STEP);
    else if (event.key === "-") zoom(1 / STEP);
    else if (event.key === "0") whole();
    else if (move) {
      setPlace((before) => ({
        ...before,
        x: before.x + move[0],
        y: before.y + move[1],
      }));
    } else return;
    event.preventDefault();
  };
  return (
    <div class="graph">
      <div class="tools">
        <button type="button" aria-label="Closer" onClick={() => zoom(STEP)}>
          +
        </button>
        <button
          type="button"
          aria-label="Further away"
          onClick={() => zoom(1 / STEP)}
        >
          −
        </button>
        <button type="button" onClick={whole}>Whole</button>
      </div>
      <div
        ref={box}
        class="canvas"
        style={{ height: `${layout.height + 80}px` }}
        tabIndex={0}
        role="group"
        aria-label={`Graph of ${nodes.length} tasks. Arrow keys move it, + and - change its size.`}
        onPointerMove={drag}
        onKeyDown={onKey}
      >
        <svg width="100%" height="100%">
          <g
            transform={`translate(${place.x} ${place.y}) scale(${place.scale})`}
          >
            <path class="edges" d={lines} />
            {nodes.map((node) => <Node key={node.id} node={node} at={layout.at[node.id]} />)}
          </g>
        </svg>
      </div>
    </div>
  );
}

function Node(
  { node: { id, name, task, state }, at }: {
    node: GraphProps["nodes"][0];
    at?: { x: number; y: number };
  },
) {
  if (!at) return null;
  const text = name ?? task;
  const short = text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
  return (
    <a
      href={hrefOf("tasks", id)}
      class={`node ${state.type.toLowerCase()}`}
      aria-label={`${text}: ${wordsOf(state.name)}`}
    >
      <title>{`${text} (${task}): ${wordsOf(state.name)}`}</title>
      <rect
        x={at.x - WIDTH / 2}
        y={at.y - HEIGHT / 2}
        width={WIDTH}
        height={HEIGHT}
        rx={5}
      />
      <rect
        class="mark"
        x={at.x - WIDTH / 2}
        y={at.y - HEIGHT / 2}
        width={5}
        height={HEIGHT}
        rx={2}
      />
      <text x={at.x - WIDTH / 2 + 14} y={at.y + 4}>{short}</text>
    </a>
  );
}

function pathOf(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  return `M${first.x} ${first.y}` +
    rest.map(({ x, y }) => `L${x} ${y}`).join("");
}
