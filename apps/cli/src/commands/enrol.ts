import { routes } from "@benchfarm/contracts";
import type { Command } from "commander";
import { loadCliConfig } from "../config.js";
import { connect, type ConnectionFlags } from "../connect.js";
import { withConnection, wholeNumber } from "./flags.js";

/** `benchfarm enrol`: a one-time code, and the command to run on the new device. */
export function addEnrolCommand(program: Command): void {
  withConnection(program.command("enrol"))
    .description("make a one-time code that adds another machine to the farm")
    .option("--name <text>", "what the code is for")
    .option("--valid-for <seconds>", "at most 3600", wholeNumber(60), 3600)
    .action(async (flags: ConnectionFlags & { name?: string; validFor: number }) => {
      const { client, url } = connect(loadCliConfig(), flags);
      const created = await client.call(routes.createEnrolment, {
        body: {
          validForSeconds: flags.validFor,
          ...(flags.name === undefined ? {} : { name: flags.name }),
        },
      });
      process.stdout.write(`${created.code}\n`);
      process.stderr.write(
        `Good for one agent until ${created.enrolment.expiresAt}. On the other machine, in a Benchfarm checkout:\n\n` +
          `  npm run benchfarm -- agent --url ${url} --code ${created.code}\n\n`,
      );
      if (/\/\/(127\.|localhost|\[::1\])/.test(url)) {
        process.stderr.write(
          "This farm listens on this machine alone. Start it with BENCHFARM_HOST=0.0.0.0 and use this machine's address in --url.\n",
        );
      }
    });
}
