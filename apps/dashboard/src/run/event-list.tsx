import type { HistoryEvent } from "@benchfarm/contracts";
import { formatInstant } from "../format/format-time.js";

/** An event's data in one line: `state: queued, reason: …`. */
export function eventWords(data: Record<string, unknown>): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}

/** A history: what happened, who did it, when. */
export function EventList({ events }: { events: HistoryEvent[] }) {
  if (events.length === 0) return <p className="quiet">Nothing has happened yet.</p>;
  return (
    <ol className="events" data-testid="events">
      {events.map((event) => (
        <li key={event.id}>
          <time dateTime={event.at}>{formatInstant(event.at)}</time>
          <span>
            <b>{event.kind}</b> <span className="quiet">by {event.actor}</span>
            <br />
            <span className="event-data">{eventWords(event.data)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
