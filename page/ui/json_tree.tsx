// Any JSON as a tree. Only what is open is in the page, and of long lists a part: a value of 16 MiB is as
// quick as a small one.

import { useState } from "preact/hooks";
import { bytes, count } from "../data/format.ts";
import { say } from "./notices.tsx";

const FIRST_SHOWN = 100;
const LONGEST_TEXT = 400;
/** Opened by themselves, as long as they are small. */
const OPEN_DEPTH = 2;
const SMALL = 20;

export function JsonTree({ value, name }: { value: unknown; name: string }) {
  return (
    <div class="json" role="tree" aria-label={name} tabIndex={0}>
      <Node value={value} depth={0} />
    </div>
  );
}

export function CopyButton({ value }: { value: unknown }) {
  const copy = async () => {
    try {
      const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      await navigator.clipboard.writeText(text);
      say(`Copied ${bytes(text.length)}`);
    } catch {
      say("The browser did not let the page copy", true);
    }
  };
  return <button type="button" class="plain" onClick={copy}>Copy</button>;
}

interface NodeProps {
  value: unknown;
  depth: number;
  label?: string;
  isIndex?: boolean;
}

function Node({ value, depth, label, isIndex }: NodeProps) {
  if (typeof value === "object" && value !== null) {
    return <Branch value={value} depth={depth} label={label} isIndex={isIndex} />;
  }
  return (
    <div class="leaf" role="treeitem">
      <Label label={label} isIndex={isIndex} />
      <Leaf value={value} />
    </div>
  );
}

function Label({ label, isIndex }: { label?: string; isIndex?: boolean }) {
  if (label === undefined) return null;
  return (
    <span class={isIndex ? "dim" : "k"}>
      <bdi>{label}</bdi>:&nbsp;
    </span>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  if (typeof value !== "string") {
    return <span class={value === null ? "dim" : "n"}>{String(value)}</span>;
  }
  if (value.length <= LONGEST_TEXT || isWhole) {
    return (
      <span class="s">
        "<bdi>{value}</bdi>"
      </span>
    );
  }
  return (
    <>
      <span class="s">
        "<bdi>{value.slice(0, LONGEST_TEXT)}</bdi>…
      </span>{" "}
      <button type="button" class="plain" onClick={() => setWhole(true)}>
        all of {count(value.length)} characters
      </button>
    </>
  );
}

function Branch(
  { value, depth, label, isIndex }: NodeProps & { value: object },
) {
  const isList = Array.isArray(value);
  const size = isList ? value.length : Object.keys(value).length;
  const [isOpen, setOpen] = useState(
    depth < OPEN_DEPTH && size <= (depth === 0 ? FIRST_SHOWN : SMALL),
  );
  const [shown, setShown] = useState(FIRST_SHOWN);
  const [open, end] = isList ? ["[", "]"] : ["{", "}"];
  if (size === 0) {
    return (
      <div class="leaf" role="treeitem">
        <Label label={label} isIndex={isIndex} />
        {open + end}
      </div>
    );
  }
  const keys = isOpen
    ? (isList
      ? Array.from({ length: Math.min(size, shown) }, (_, i) => String(i))
      : Object.keys(value).slice(0, shown))
    : [];
  return (
    <div class="branch" role="treeitem" aria-expanded={isOpen}>
      <button type="button" class="twig" onClick={() => setOpen(!isOpen)}>
        <span class={isOpen ? "arrow open" : "arrow"} aria-hidden="true" />
        <Label label={label} isIndex={isIndex} />
        {open}
        {!isOpen && (
          <span class="dim">
            {` ${count(size)} ${isList ? "items" : "fields"} `}
            {end}
          </span>
        )}
      </button>
      {isOpen && (
        <div class="twigs" role="group">
          {keys.map((key) => (
            <Node
              key={key}
              value={(value as Record<string, unknown>)[key]}
              depth={depth + 1}
              label={key}
              isIndex={isList}
            />
          ))}
          {size > keys.length && (
            <button
              type="button"
              class="plain"
              onClick={() => setShown(shown * 5)}
            >
              {count(size - keys.length)} more
            </button>
          )}
          <span class="end">{end}</span>
        </div>
      )}
    </div>
  );
}
