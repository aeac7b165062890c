// The head of a table: the names of its columns.

export interface Column {
  title: string;
  isNumber?: boolean;
  /** So many cells of a line stand below it. */
  cells?: number;
  note?: string;
}

export function numbers(title: string): Column {
  return { title, isNumber: true };
}

/** @param hasActions the last column is one of buttons, whose name is only heard */
export function Head({ of, hasActions = false }: { of: (string | Column)[]; hasActions?: boolean }) {
  const columns = of.map((column) => typeof column === "string" ? { title: column } : column) as Column[];
  return (
    <thead>
      <tr>
        {columns.map(({ title, isNumber, cells, note }) => (
          <th key={title} scope="col" class={isNumber ? "num" : undefined} colSpan={cells} title={note}>
            {title}
          </th>
        ))}
        {hasActions && (
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        )}
      </tr>
    </thead>
  );
}
