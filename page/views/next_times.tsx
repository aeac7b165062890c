// Instants to come.

import { Ago, At } from "../ui/basics.tsx";

export function Times({ times }: { times: string[] }) {
  return (
    <ol class="times">
      {times.map((at) => (
        <li key={at}>
          <At at={at} />
          <span class="dim">
            <Ago at={at} />
          </span>
        </li>
      ))}
    </ol>
  );
}
