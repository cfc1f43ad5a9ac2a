import { loadCliConfig, SettingError } from "./config.js";

test("a wrong setting is named with its value", () => {
  expect(() => loadCliConfig({ BENCHFARM_PORT: "http" })).toThrow(SettingError);
  expect(() => loadCliConfig({ BENCHFARM_PORT: "99999" })).toThrow(/BENCHFARM_PORT=99999/);
});

test("an empty variable is no setting", () => {
  expect(loadCliConfig({ BENCHFARM_PORT: "", BENCHFARM_URL: "" })).toMatchObject({
    port: 8787,
    url: null,
  });
});
