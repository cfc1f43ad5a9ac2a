import type { Conditions } from "@benchfarm/contracts";
import type { Clock } from "./clock.js";
import type { DeviceHost, GateLimits } from "./device-host.js";

export type GateOutcome =
  | { kind: "ready"; gateMs: number; conditions: Conditions }
  | { kind: "not_ready"; gateMs: number; conditions: Conditions; reason: string }
  | { kind: "stopped" };

/** Longest pause between two looks at a device that is not ready. */
const LONGEST_PAUSE_MS = 5_000;

/** Why a device is not ready for a repetition, or null. What a host cannot sense does not hold it back. */
export function whyNotReady(conditions: Conditions, limits: GateLimits): string | null {
  const { maxTemperatureCelsius, maxCpuBusyFraction, thermalStatuses } = limits;
  const hottest = (conditions.temperaturesCelsius ?? []).reduce<{
    zone: string;
    celsius: number;
  } | null>((most, zone) => (most === null || zone.celsius > most.celsius ? zone : most), null);
  if (
    maxTemperatureCelsius !== null &&
    hottest !== null &&
    hottest.celsius > maxTemperatureCelsius
  ) {
    return `${hottest.zone} is at ${hottest.celsius} °C and has to be at most at ${maxTemperatureCelsius} °C`;
  }
  const { thermalStatus, cpuBusyFraction } = conditions;
  if (
    thermalStatuses !== null &&
    thermalStatus !== null &&
    !thermalStatuses.includes(thermalStatus)
  ) {
    return `the thermal state is ${thermalStatus} and has to be ${thermalStatuses.join(" or ")}`;
  }
  if (
    maxCpuBusyFraction !== null &&
    cpuBusyFraction !== null &&
    cpuBusyFraction > maxCpuBusyFraction
  ) {
    const percent = (fraction: number) => `${Math.round(fraction * 100)} %`;
    return `other programs keep ${percent(cpuBusyFraction)} of the processor busy, at most ${percent(maxCpuBusyFraction)} may be`;
  }
  return null;
}

/**
 * Waits until the device is ready for a repetition, by temperature and load, at most `deadlineMs`. The time is reported apart, for it
 * is never part of a measurement.
 */
export async function waitUntilReady(options: {
  host: DeviceHost;
  limits: GateLimits;
  deadlineMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** Told why not, at each look that finds the device not ready. */
  onWaiting?: (reason: string) => void;
}): Promise<GateOutcome> {
  const { host, limits, clock, signal } = options;
  const startedMs = clock.monotonicMs();
  let pauseMs = limits.windowMs;
  // The first look only starts the window over which shares of time are taken.
  await host.sensors();
  while (true) {
    await clock.sleep(limits.windowMs, signal);
    if (signal.aborted) return { kind: "stopped" };
    const conditions = await host.sensors();
    const gateMs = clock.monotonicMs() - startedMs;
    const reason = whyNotReady(conditions, limits);
    if (reason === null) return { kind: "ready", gateMs, conditions };
    if (gateMs >= options.deadlineMs) return { kind: "not_ready", gateMs, conditions, reason };
    options.onWaiting?.(reason);
    await clock.sleep(Math.min(pauseMs, Math.max(0, options.deadlineMs - gateMs)), signal);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    await host.sensors();
  }
}
