// What became of an action: shown for a while, and read out.

import { signal } from "@preact/signals";
import { CallError } from "../data/api.ts";
import { beat } from "../data/live.ts";

interface Notice {
  id: number;
  text: string;
  isError: boolean;
}

const notices = signal<Notice[]>([]);
const SHOWN_MS = 6_000;
const MOST = 4;
let made = 0;

export function say(text: string, isError = false): void {
  const notice = { id: ++made, text, isError };
  notices.value = [...notices.value, notice].slice(-MOST);
  setTimeout(() => dismiss(notice.id), isError ? 2 * SHOWN_MS : SHOWN_MS);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Does something and says what became of it. False: it failed. */
export async function act(
  step: () => Promise<string | void>,
): Promise<boolean> {
  try {
    const done = await step();
    if (done) say(done);
    beat.value++;
    return true;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const faults = error.faults.map(({ pointer, message }) => `${pointer} ${message}`);
    say([error.message, ...faults].join("; "), true);
    return false;
  }
}

/** What is outside of an open dialog lies below it and cannot be reached: the dialog shows the notices. */
export const dialogsOpen = signal(0);

export function Notices({ isInDialog = false }: { isInDialog?: boolean }) {
  if (isInDialog !== dialogsOpen.value > 0) return null;
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, isError }) => (
        <div key={id} class={isError ? "notice error" : "notice"}>
          <span>{text}</span>
          <button
            type="button"
            class="plain"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
