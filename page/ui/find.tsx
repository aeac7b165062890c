// Finds a task by its id, a tag, or a text of its error; / or Ctrl-K leads here.

import { useEffect, useRef } from "preact/hooks";
import { go, hrefOf } from "../data/route.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

export function Find() {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { tagName = "" } = (event.target as Element) ?? {};
      const isTyping = /INPUT|TEXTAREA|SELECT/.test(tagName);
      const isAsked = (event.key === "k" && (event.metaKey || event.ctrlKey)) ||
        (event.key === "/" && !isTyping);
      if (!isAsked) return;
      event.preventDefault();
      ref.current?.focus();
      ref.current?.select();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    const text = ref.current!.value.trim();
    if (text === "") return;
    if (UUID.test(text)) return go(hrefOf("tasks", text.toLowerCase()));
    const [, tag] = /^tag:(.+)$/.exec(text) ?? [];
    go(
      `${hrefOf("tasks")}?${new URLSearchParams(
        tag === undefined ? { q: text } : { tag },
      )}`,
    );
  };
  return (
    <form class="find" role="search" onSubmit={find}>
      <input
        ref={ref}
        type="search"
        aria-label="Find tasks by id or error; tag:NAME by tag"
        placeholder="Id, error text, or tag:name"
        autoComplete="off"
        spellcheck={false}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}
