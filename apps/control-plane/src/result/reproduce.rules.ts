import type { Backend, QuantSource, WorkloadSpec } from "@benchfarm/contracts";
import { engines } from "@benchfarm/engines";

/** What the steps that make a number again are made of. */
export interface ReproduceInput {
  source: QuantSource;
  sha256: string;
  skuId: string;
  quantId: string;
  quantName: string;
  modelName: string;
  adapter: string;
  backend: Backend;
  workload: WorkloadSpec;
  workloadName: string;
  /** The threads that were used, or null when that is unknown. */
  threads: number | null;
  /** The command of one repetition, as run on the device. */
  command: readonly string[] | null;
}

export interface ReproduceStep {
  step: string;
  command: string;
}

const MODEL_FILE = "model.gguf";

/**
 * The commands that make a cell's number again, in a POSIX shell: get the file, check it, run one repetition as it was run, the same
 * with the engine's official program where its adapter can plan one, and queue it on the farm again by REST and by command line.
 */
export function reproduceSteps(input: ReproduceInput): ReproduceStep[] {
  const { workload } = input;
  const repeat = `${workload.repetitions} times after ${workload.warmupRepetitions} to warm up`;
  const official = officialCommand(input);
  return [
    ...modelSteps(input.source),
    {
      step: "Check that it is the measured file",
      command: `echo ${quote(`${input.sha256}  ${MODEL_FILE}`)} | sha256sum --check`,
    },
    ...(input.command === null
      ? []
      : [
          {
            step: `Run one repetition as it was run; the number is made of ${repeat}`,
            command: shellLine(input.command.map((part) => withModelFile(part, input.sha256))),
          },
        ]),
    ...(official === null
      ? []
      : [
          {
            step: `The same with the engine's official program, one repetition; repeat it ${repeat}`,
            command: official,
          },
        ]),
    { step: "Queue it on the farm again, over REST", command: queueByRest(input) },
    { step: "Queue it on the farm again, from the terminal", command: queueByTerminal(input) },
  ];
}

function modelSteps(source: QuantSource): ReproduceStep[] {
  switch (source.kind) {
    case "synthetic":
      return [
        {
          step: `Make the synthetic model (generator version ${source.generatorVersion})`,
          command: shellLine([
            ...["npx", "benchfarm", "model", "make", source.shape, source.quant],
            ...["--seed", String(source.seed), "--output", MODEL_FILE],
          ]),
        },
      ];
    case "url":
      return [
        {
          step: "Download the model",
          command: shellLine(["curl", "--fail", "--location", "--output", MODEL_FILE, source.url]),
        },
      ];
    case "file":
      return [
        {
          step: `Take the file that was registered as ${source.fileName}`,
          command: shellLine(["cp", source.fileName, MODEL_FILE]),
        },
      ];
  }
}

/** One repetition by the program that the engine's own project publishes, as its adapter plans it. */
function officialCommand(input: ReproduceInput): string | null {
  const engine = engines.find((candidate) => candidate.id === input.adapter);
  if (engine === undefined) return null;
  const program = OFFICIAL_PROGRAMS[input.adapter];
  if (program === undefined) return null;
  const plan = engine.plan({
    workload: input.workload,
    modelPath: MODEL_FILE,
    backend: input.backend,
    threads: input.threads,
    repetition: 0,
    engine: {
      adapter: input.adapter,
      name: input.adapter,
      version: "",
      build: "",
      program,
      backends: [input.backend],
    },
  });
  return shellLine([program, ...plan.args]);
}

/** By adapter: what the program of the engine's own project is called. */
const OFFICIAL_PROGRAMS: Record<string, string> = { "llama-cpp": "llama-bench" };

function queueByRest(input: ReproduceInput): string {
  const sweep = {
    name: `${input.modelName} ${input.quantName} ${input.workloadName} again`,
    devices: { skuIds: [input.skuId] },
    quants: { quantIds: [input.quantId] },
    engines: [{ engine: input.adapter, backend: input.backend }],
    workloads: [input.workload],
  };
  return (
    'curl --fail "$BENCHFARM_URL/v1/sweeps" -H "Authorization: Bearer $BENCHFARM_API_KEY" ' +
    `-H 'Content-Type: application/json' -d ${quote(JSON.stringify(sweep))}`
  );
}

function queueByTerminal(input: ReproduceInput): string {
  return shellLine([
    ...["npx", "benchfarm", "sweep", "create", "--name", `${input.modelName} again`],
    ...["--sku", input.skuId, "--model", input.modelName, "--quant", input.quantName],
    ...["--engine", input.adapter, "--backend", input.backend, "--workload", input.workloadName],
    ...["--repetitions", String(input.workload.repetitions), "--follow"],
  ]);
}

/** The device's own path of the model means nothing elsewhere. */
function withModelFile(part: string, sha256: string): string {
  return part.includes(sha256) || /[\\/][^\\/]*\.gguf$/.test(part) ? MODEL_FILE : part;
}

function shellLine(parts: readonly string[]): string {
  return parts.map(quote).join(" ");
}

/** One word for a POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
