import type { Device } from "@benchfarm/contracts";
import { formatBandwidth, formatBytes } from "../format/format-number.js";

/** A machine's cores in words: `8 cores (4 performance + 4 efficiency), 8 threads`. Null when nothing is known. */
export function coreWords({ facts }: Pick<Device, "facts">): string | null {
  const { physicalCores, logicalCores, performanceCores, efficiencyCores } = facts;
  if (physicalCores === null && logicalCores === null) return null;
  const split =
    performanceCores === null || efficiencyCores === null || efficiencyCores === 0
      ? ""
      : ` (${performanceCores} performance + ${efficiencyCores} efficiency)`;
  return [
    ...(physicalCores === null ? [] : [`${physicalCores} cores${split}`]),
    ...(logicalCores === null ? [] : [`${logicalCores} threads`]),
  ].join(", ");
}

/** What an agent found out about its machine, a row per fact; null is "not known". */
export function deviceFactRows(device: Pick<Device, "facts">): [string, string | null][] {
  const { facts } = device;
  const { os } = facts;
  const system = [os.name ?? os.platform, os.version, os.build].filter((part) => part !== null);
  return [
    ["manufacturer", facts.manufacturer],
    ["product", facts.product],
    ["form factor", facts.formFactor],
    ["virtualisation", facts.virtualisation],
    ["CPU", facts.cpuModel],
    ["cores", coreWords(device)],
    [
      "instruction sets",
      facts.isaExtensions === null ? null : facts.isaExtensions.join(" ") || "none told",
    ],
    ["memory", facts.memoryBytes === null ? null : formatBytes(facts.memoryBytes)],
    [
      "memory bandwidth, measured",
      facts.memoryBandwidthBytesPerSecond === null
        ? null
        : formatBandwidth(facts.memoryBandwidthBytesPerSecond) +
          (facts.memoryBandwidthMethod === null ? "" : ` (${facts.memoryBandwidthMethod})`),
    ],
    [
      "GPUs",
      facts.gpus === null
        ? null
        : facts.gpus.length === 0
          ? "none"
          : facts.gpus
              .map((gpu) =>
                [
                  gpu.name,
                  gpu.memoryBytes === null ? null : formatBytes(gpu.memoryBytes),
                  gpu.driver,
                ]
                  .filter((part) => part !== null)
                  .join(", "),
              )
              .join("; "),
    ],
    ["system", `${system.join(" ")}, ${os.architecture}`],
    ["kernel", os.kernel],
    [
      "power",
      facts.power.source === null
        ? null
        : facts.power.source +
          (facts.power.batteryPercent === null ? "" : `, battery ${facts.power.batteryPercent} %`),
    ],
  ];
}

/** The state of a device in one sentence: whether it takes work, and the first reason why not. */
export function deviceSentence(
  device: Pick<Device, "eligible" | "ineligibleReason" | "currentRunId">,
): string {
  if (device.currentRunId !== null) return "Works on a run now.";
  if (device.eligible) return "Could take a run now.";
  return device.ineligibleReason ?? "Takes no runs now.";
}
