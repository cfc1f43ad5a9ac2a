import type { ReactNode } from "react";

/** A list of names and values; a null value says that it is unknown, which is not the same as none. */
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? <span className="quiet">not known</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A digest or id, cut for the eye and whole for the pointer and the clipboard. */
export function ShortId({ id, length = 12 }: { id: string; length?: number }) {
  return (
    <code title={id} className="id">
      {id.length > length ? `${id.slice(0, length)}…` : id}
    </code>
  );
}
