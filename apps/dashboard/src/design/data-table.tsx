import {
  createSortedRowModel,
  rowSortingFeature,
  sortFns,
  tableFeatures,
  useTable,
  type ColumnDef,
  type RowData,
} from "@tanstack/react-table";

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
});

export type TableColumn<T extends RowData> = ColumnDef<typeof features, T>;

const ARIA_SORT = { asc: "ascending", desc: "descending" } as const;

/** A sortable table that scrolls inside its own box. Columns with a `meta`-free id of numbers are aligned by the `numeric` list. */
export function DataTable<T extends RowData>({
  label,
  columns,
  rows,
  numeric = [],
  testId,
}: {
  label: string;
  columns: TableColumn<T>[];
  rows: T[];
  /** Ids of the columns that are aligned right. */
  numeric?: string[];
  testId?: string;
}) {
  const table = useTable({ features, columns, data: rows });
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={label}>
      <table className="data" data-testid={testId}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={numeric.includes(header.column.id) ? "number" : undefined}
                    aria-sort={sorted === false ? undefined : ARIA_SORT[sorted]}
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="sort"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <table.FlexRender header={header} />
                        <span aria-hidden="true" className="sort-mark">
                          {sorted === "asc" ? "▲" : sorted === "desc" ? "▼" : ""}
                        </span>
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getAllCells().map((cell) => (
                <td
                  key={cell.id}
                  className={numeric.includes(cell.column.id) ? "number" : undefined}
                >
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
