import { useState } from "react";
import { Menu } from "./menu.js";

/** From this many choices on, the list can be searched. */
const SEARCH_FROM = 9;

/** A filter over one facet: nothing ticked means everything. */
export function FilterMenu({
  name,
  label,
  choices,
  chosen,
  onChange,
}: {
  name: string;
  label: string;
  choices: { id: string; label: string }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}) {
  const [search, setSearch] = useState("");
  // The API takes ids and names alike; a name in a link stands for its id.
  const ticked = chosen.map(
    (text) =>
      (choices.find((c) => c.id === text) ?? choices.find((c) => c.label === text))?.id ?? text,
  );
  // A linked filter may name something that no cell has (any more); it stays visible, so that it can be taken off.
  const unknown = ticked
    .filter((id) => !choices.some((choice) => choice.id === id))
    .map((id) => ({ id, label: `${id} (no cells)` }));
  const all = [...unknown, ...choices];
  const shown = all.filter((choice) => choice.label.toLowerCase().includes(search.toLowerCase()));
  const first = all.find((choice) => choice.id === ticked[0])?.label ?? ticked[0];
  const text =
    ticked.length === 0 ? "all" : ticked.length === 1 ? first : `${ticked.length} of ${all.length}`;
  return (
    <Menu
      active={ticked.length > 0}
      testId={`filter-${name}`}
      label={
        <>
          {label}: <b>{text}</b>
        </>
      }
    >
      {all.length >= SEARCH_FROM && (
        <input
          type="search"
          placeholder={`Find in ${all.length}`}
          aria-label={`Find in ${label}`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <div className="menu-list" role="group" aria-label={label}>
        {all.length === 0 && <p className="quiet">No cells yet, so nothing to choose.</p>}
        {shown.map(({ id, label: choice }) => (
          <label key={id} className="choice">
            <input
              type="checkbox"
              checked={ticked.includes(id)}
              data-testid={`filter-${name}-option`}
              data-label={choice}
              onChange={(event) =>
                onChange(
                  event.target.checked ? [...ticked, id] : ticked.filter((other) => other !== id),
                )
              }
            />
            <span>{choice}</span>
          </label>
        ))}
        {all.length > 0 && shown.length === 0 && <p className="quiet">None has that name.</p>}
      </div>
      {ticked.length > 0 && (
        <button type="button" className="small" onClick={() => onChange([])}>
          Show all
        </button>
      )}
    </Menu>
  );
}
