import { routes } from "@benchfarm/contracts";
import type { Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { withConnection } from "./flags.js";

/** `benchfarm device list|quarantine|release`. */
export function addDeviceCommand(program: Command): void {
  const device = program.command("device").description("the farm's devices");

  withConnection(device.command("list"))
    .description("every device with its state and the reason for it")
    .action(async (flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const { items } = await client.call(routes.listDevices, { query: { limit: 500 } });
      for (const item of items) {
        process.stdout.write(
          `${item.id}  ${item.availability.padEnd(12)} ${item.name} · ${item.skuName}${item.simulated ? " · simulated" : ""}${item.ineligibleReason === null ? "" : ` · ${item.ineligibleReason}`}\n`,
        );
      }
      if (items.length === 0) process.stderr.write("No devices yet. Add one: benchfarm enrol\n");
    });

  withConnection(device.command("quarantine <id>"))
    .description("take a device out of scheduling")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, flags: ConnectionFlags & { reason: string }) => {
      const { client } = connect(loadCliConfig(), flags);
      const changed = await client.call(routes.updateDevice, {
        params: { id },
        body: { quarantine: "manual", reason: flags.reason },
      });
      process.stdout.write(`${changed.name}: quarantine ${changed.quarantine}\n`);
    });

  withConnection(device.command("release <id>"))
    .description("put a quarantined or pending device into service")
    .option("--reason <text>", "why")
    .action(async (id: string, flags: ConnectionFlags & { reason?: string }) => {
      const { client } = connect(loadCliConfig(), flags);
      const changed = await client.call(routes.updateDevice, {
        params: { id },
        body: {
          quarantine: "none",
          lifecycle: "active",
          ...(flags.reason === undefined ? {} : { reason: flags.reason }),
        },
      });
      process.stdout.write(`${changed.name}: ${changed.lifecycle}, ${changed.availability}\n`);
    });
}
