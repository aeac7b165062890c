// A long list of rows of one height, of which only those in sight are in the page.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows beyond the edges, so that fast scrolling shows no gaps. */
const BEYOND = 12;

interface VirtualRowsProps {
  total: number;
  rowHeight: number;
  /** At the end, for as long as the reader has not scrolled away from it. */
  follows?: boolean;
  /** Told what is in sight. */
  onShown?: (first: number, last: number) => void;
  row: (index: number) => ComponentChildren;
  class?: string;
  /** The list is as high as its rows, up to so many. Left out: as the style says. */
  mostRows?: number;
  label: string;
  role?: "rowgroup" | "log";
}

export function VirtualRows(props: VirtualRowsProps) {
  const {
    total,
    rowHeight,
    follows = false,
    onShown,
    row,
    class: more = "",
    label,
    role,
    mostRows,
  } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const box = ref.current!;
    const observer = new ResizeObserver(() => setHeight(box.clientHeight));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (follows && isAtEnd.current) ref.current!.scrollTop = total * rowHeight;
  }, [total, follows, height]);
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND);
  const last = Math.min(total, Math.ceil((top + height) / rowHeight) + BEYOND);
  useLayoutEffect(() => onShown?.(first, last), [first, last, total]);
  const scrolled = () => {
    const box = ref.current!;
    isAtEnd.current = box.scrollTop + box.clientHeight >= box.scrollHeight - 2 * rowHeight;
    setTop(box.scrollTop);
  };
  return (
    <div
      ref={ref}
      class={`virtual ${more}`}
      style={mostRows === undefined
        ? undefined
        : { height: `${Math.min(total + 1, mostRows) * rowHeight}px` }}
      onScroll={scrolled}
      tabIndex={0}
      role={role}
      aria-label={label}
    >
      <div
        class="all"
        role="presentation"
        style={{ height: `${total * rowHeight}px` }}
      >
        <div
          class="seen"
          role="presentation"
          style={{ transform: `translateY(${first * rowHeight}px)` }}
        >
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => row(first + i))}
        </div>
      </div>
    </div>
  );
}
