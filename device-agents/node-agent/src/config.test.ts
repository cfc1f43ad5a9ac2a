import { readNodeAgentConfig } from "./config.js";

describe("the agent's configuration", () => {
  it("passes on to engines only what programs need to start", () => {
    const { engineEnvironment } = readNodeAgentConfig({
      PATH: "/bin",
      LD_LIBRARY_PATH: "/opt/llama",
      NODE_OPTIONS: "--inspect",
      GGML_CUDA_FORCE_MMQ: "1",
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    expect(engineEnvironment).toEqual({
      LC_ALL: "C",
      PATH: "/bin",
      LD_LIBRARY_PATH: "/opt/llama",
    });
  });

  it("reads an official llama-bench and the load band, and refuses a band that is none", () => {
    expect(readNodeAgentConfig({})).toMatchObject({ llamaBench: null, maxCpuBusyFraction: null });
    expect(
      readNodeAgentConfig({
        BENCHFARM_LLAMA_BENCH: " /opt/llama-bench ",
        BENCHFARM_MAX_BUSY: "0.5",
      }),
    ).toMatchObject({ llamaBench: "/opt/llama-bench", maxCpuBusyFraction: 0.5 });
    expect(readNodeAgentConfig({ BENCHFARM_MAX_BUSY: "off" }).maxCpuBusyFraction).toBe(1);
    expect(() => readNodeAgentConfig({ BENCHFARM_MAX_BUSY: "50%" })).toThrow(/BENCHFARM_MAX_BUSY/);
  });
});
