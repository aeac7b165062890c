// The head of a view.

import type { ComponentChildren } from "preact";
import { Find } from "./find.tsx";

/** The title of a view, with what can be done there. */
export function Bar(
  { title, children }: {
    title: ComponentChildren;
    children?: ComponentChildren;
  },
) {
  return (
    <div class="bar">
      <h1>{title}</h1>
      {children}
      <Find />
    </div>
  );
}
