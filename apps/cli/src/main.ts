import { ServerProblem, UnreachableError } from "@benchfarm/contracts";
import { GgufError } from "@benchfarm/gguf";
import { Command, InvalidArgumentError } from "commander";
import { addAgentCommand } from "./commands/agent.js";
import { addDemoCommand } from "./commands/demo.js";
import { addDeviceCommand } from "./commands/device.js";
import { addEnrolCommand } from "./commands/enrol.js";
import { addMatrixCommand } from "./commands/matrix.js";
import { addModelCommand } from "./commands/model.js";
import { addRunCommand } from "./commands/run.js";
import { addServeCommand } from "./commands/serve.js";
import { addSweepCommand } from "./commands/sweep.js";
import { addUpCommand } from "./commands/up.js";

const program = new Command("benchfarm")
  .description("an open cross-device test farm for on-device language models")
  .showHelpAfterError();
addDemoCommand(program);
addUpCommand(program);
addAgentCommand(program);
addEnrolCommand(program);
addModelCommand(program);
addSweepCommand(program);
addMatrixCommand(program);
addDeviceCommand(program);
addRunCommand(program);
addServeCommand(program);

/** What a person should read of an error: a sentence for what they can mend, the stack for what they cannot. */
function explain(error: unknown): string {
  if (error instanceof ServerProblem) {
    const untold = (error.errors ?? []).filter((field) => !error.message.includes(field.message));
    const fields = untold.map((field) => `\n  ${field.path}: ${field.message}`);
    return `${error.code}: ${error.message}${fields.join("")}`;
  }
  const known =
    error instanceof UnreachableError ||
    error instanceof GgufError ||
    error instanceof InvalidArgumentError ||
    [
      "SettingError",
      "ConfigError",
      "MigrationError",
      "PortTakenError",
      "FarmStartError",
      "AgentStopped",
      "AgentFailure",
      "LlamaBenchUnusableError",
      "TransferError",
      "EmbeddedPostgresError",
      "SyntheticWriteError",
    ].includes((error as Error).name);
  if (known) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`benchfarm: ${explain(error)}\n`);
  process.exitCode = 1;
}
