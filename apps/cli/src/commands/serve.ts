import { loadConfig, startControlPlane } from "@benchfarm/control-plane";
import type { Command } from "commander";
import { stopWithParent } from "../farm/child-process-host.js";

/** `benchfarm serve`: the control plane alone, configured by the environment; part of `benchfarm up`. */
export function addServeCommand(program: Command): void {
  program
    .command("serve", { hidden: true })
    .description("run the control plane in this process, configured by the environment")
    .action(async () => {
      const controlPlane = await startControlPlane(loadConfig());
      stopWithParent(() => {
        void controlPlane.close().then(() => process.exit(0));
      });
    });
}
