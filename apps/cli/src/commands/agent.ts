import { hostname } from "node:os";
import { join } from "node:path";
import {
  AgentStopped,
  enrolAgent,
  isEnrolled,
  runAgent,
  type AgentEvent,
} from "@benchfarm/agent-core";
import { engines } from "@benchfarm/engines";
import { createLocalHost } from "@benchfarm/node-agent";
import type { Command } from "commander";
import { loadCliConfig } from "../config.js";
import { stopWithParent } from "../farm/child-process-host.js";
import { list } from "./flags.js";

interface AgentFlags {
  url: string;
  code?: string;
  name: string;
  llamaBench?: string;
  artifactSource?: string[];
}

/** A line for the agent's own terminal, or null for what is told elsewhere. */
function describe(event: AgentEvent): string | null {
  switch (event.kind) {
    case "session_opened":
      return `connected as ${event.agentId} with ${event.deviceIds.length} device(s); waiting for work`;
    case "attempt_offered": {
      const { artifact, runId } = event.assignment;
      return `${runId}: ${artifact.modelName} ${artifact.quantName}`;
    }
    case "attempt_phase":
      return `${event.runId}: ${event.phase}`;
    case "attempt_progress":
      return `${event.runId}: repetition ${event.repetition}/${event.repetitions}`;
    case "attempt_waiting":
      return `${event.runId}: waiting: ${event.reason}`;
    case "attempt_ended":
      return `${event.runId}: ${event.endReason}${event.failure === null ? "" : `: ${event.failure.code}: ${event.failure.message}`}`;
    case "farm_unreachable":
      return `the farm does not answer: ${event.message}; trying on`;
    case "farm_reached":
      return "the farm answers again";
  }
}

/** `benchfarm agent`: this machine as a device of a farm. */
export function addAgentCommand(program: Command): void {
  program
    .command("agent")
    .description("make this machine a device of a farm and measure what it is asked for")
    .requiredOption("--url <address>", "the farm's control plane")
    .option("--code <code>", "the one-time code from 'benchfarm enrol'; needed the first time")
    .option("--name <text>", "what to call this machine", hostname())
    .option("--llama-bench <path>", "an official llama-bench to use (BENCHFARM_LLAMA_BENCH)")
    .option(
      "--artifact-source <folder>",
      "a content-addressed folder on this machine to take model files from (repeatable)",
      list,
    )
    .action(async (flags: AgentFlags) => {
      const config = loadCliConfig();
      const folder = join(config.dataDir, "agent");
      const llamaBench = flags.llamaBench ?? config.llamaBench;
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const stop = new AbortController();
      stopWithParent(() => stop.abort());

      const host = createLocalHost({
        folder,
        name: flags.name,
        ...(llamaBench === null ? {} : { llamaBench }),
      });
      const enrol = (code: string) =>
        enrolAgent({ url: flags.url, code, folder, hosts: [host], name: flags.name });
      const run = () =>
        runAgent({
          url: flags.url,
          folder,
          hosts: [host],
          engines,
          signal: stop.signal,
          log: { info: say, warn: say },
          onProgress: (event) => {
            const line = describe(event);
            if (line !== null) say(line);
          },
          ...(flags.artifactSource === undefined ? {} : { artifactSources: flags.artifactSource }),
        });

      if (flags.code !== undefined && !(await isEnrolled(folder, flags.url)))
        await enrol(flags.code);
      try {
        await run();
      } catch (error) {
        // The farm's database is not the one this agent enrolled with (it was made anew): the code given now is for that case.
        const forgotten = error instanceof AgentStopped && error.reason === "refused";
        if (!forgotten || flags.code === undefined) throw error;
        await enrol(flags.code);
        await run();
      }
    });
}
