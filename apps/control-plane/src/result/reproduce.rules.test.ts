import { execFileSync } from "node:child_process";
import { reproduceSteps, type ReproduceInput } from "./reproduce.rules.js";
import { DECODE, fakeSha256 } from "./farm-rows.fixture.js";

const SHA = fakeSha256("model");
const input: ReproduceInput = {
  source: {
    kind: "synthetic",
    shape: "qwen3.5-0.8b",
    quant: "Q4_0",
    seed: 7,
    generatorVersion: 1,
  },
  sha256: SHA,
  skuId: "sku_1",
  quantId: "qnt_1",
  quantName: "Q4_0",
  modelName: "Dave's model",
  adapter: "llama-cpp",
  backend: "cpu",
  workload: DECODE,
  workloadName: "tg32",
  threads: 2,
  command: ["llama-core", "-m", `/cache/${SHA}`, "-n", "32", "--note", "two words"],
};
const commands = (over: Partial<ReproduceInput> = {}) =>
  reproduceSteps({ ...input, ...over }).map((step) => step.command);

test("a synthetic model is made again from its recipe", () => {
  expect(commands()[0]).toBe(
    "npx benchfarm model make qwen3.5-0.8b Q4_0 --seed 7 --output model.gguf",
  );
});

test("a released file is fetched or named, and checked by its digest", () => {
  const url = "https://example.org/a b.gguf";
  expect(commands({ source: { kind: "url", url } }).slice(0, 2)).toEqual([
    `curl --fail --location --output model.gguf '${url}'`,
    `echo '${SHA}  model.gguf' | sha256sum --check`,
  ]);
  expect(commands({ source: { kind: "file", fileName: "x.gguf" } })[0]).toBe(
    "cp x.gguf model.gguf",
  );
});

test("the recorded command is shown without the device's own path", () => {
  expect(commands()).toContain("llama-core -m model.gguf -n 32 --note 'two words'");
  expect(commands({ command: null })).toHaveLength(commands().length - 1);
});

test("the official program gets the workload's flags; an unknown engine has none", () => {
  const official = commands().find((command) => command.startsWith("llama-bench "));
  expect(official).toContain("-m model.gguf -p 0 -n 32 -d 0 -r 1 -t 2");
  expect(commands({ adapter: "other" }).some((c) => c.startsWith("llama-bench"))).toBe(false);
});

test("the REST call is one that a shell passes on as the JSON of a sweep", () => {
  const rest = commands().find((command) => command.includes("/v1/sweeps")) as string;
  const printed = execFileSync("sh", ["-c", rest.replace(/^curl/, "printf '%s\\n'")], {
    env: { BENCHFARM_URL: "http://farm", BENCHFARM_API_KEY: "secret" },
  }).toString();
  const lines = printed.trim().split("\n");
  expect(lines).toContain("http://farm/v1/sweeps");
  expect(lines).toContain("Authorization: Bearer secret");
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({
    name: "Dave's model Q4_0 tg32 again",
    quants: { quantIds: ["qnt_1"] },
    workloads: [DECODE],
  });
});
