import { routes } from "@benchfarm/contracts";
import type { Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { withConnection } from "./flags.js";

/** `benchfarm run show|why|cancel`. */
export function addRunCommand(program: Command): void {
  const run = program.command("run").description("single measurements");

  withConnection(run.command("show <id>"))
    .description("a run with its attempts, events and raw samples, as JSON")
    .action(async (id: string, flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const detail = await client.call(routes.readRun, { params: { id } });
      process.stdout.write(`${JSON.stringify(detail, null, 2)}\n`);
    });

  withConnection(run.command("why <id>"))
    .description("why a run waits")
    .action(async (id: string, flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const why = await client.call(routes.readRunWhy, { params: { id } });
      process.stdout.write(`${why.sentence}\n`);
    });

  withConnection(run.command("cancel <id>"))
    .description("cancel a run")
    .action(async (id: string, flags: ConnectionFlags) => {
      const { client } = connect(loadCliConfig(), flags);
      const canceled = await client.call(routes.cancelRun, { params: { id }, body: {} });
      process.stdout.write(`${canceled.id} ${canceled.state}\n`);
    });
}
