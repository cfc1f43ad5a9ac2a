import type { Device } from "@benchfarm/contracts";
import { Badge, StateBadge } from "../design/badge.js";

/** The axes of a device's state that say something: the ordinary ones are left out. */
export function DeviceStates({ device }: { device: Device }) {
  return (
    <span className="states">
      <StateBadge word={device.availability} />
      {device.lifecycle !== "active" && <StateBadge word={device.lifecycle} />}
      {device.quarantine !== "none" && (
        <Badge tone="warn">
          {device.quarantine === "auto" ? "quarantined by rule" : "quarantined"}
        </Badge>
      )}
      {device.health !== "good" && device.health !== "unknown" && (
        <StateBadge word={device.health} />
      )}
      {device.simulated && <Badge tone="warn">simulated</Badge>}
    </span>
  );
}
