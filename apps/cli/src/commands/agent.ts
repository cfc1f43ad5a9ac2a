import { hostname } from "node:os";
import { join } from "node:path";
import { enrolAgent, runAgent } from "@benchfarm/agent-core";
import { createLocalHost } from "@benchfarm/node-agent";
import type { Command } from "commander";
import { loadCliConfig } from "../config.js";
import { stopWithParent } from "../farm/child-process-host.js";
import { list } from "./flags.js";

interface AgentFlags {
  url: string;
  code?: string;
  name?: string;
  llamaBench?: string;
  artifactSource?: string[];
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
      "a content-addressed folder on this machine to take model files from",
      list,
    )
    .action(async (flags: AgentFlags) => {
      const config = loadCliConfig();
      void flags;
      void config;
      void join;
      void enrolAgent;
      void runAgent;
      void createLocalHost;
      void stopWithParent;
    });
}
