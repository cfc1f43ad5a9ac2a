import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { Config } from "../platform/config.js";
import { provideRootKey } from "./provide-root-key.js";

let farm: TestFarm;
beforeAll(async () => {
  farm = await startTestFarm();
});
afterAll(async () => {
  await farm.stop();
});

test("a kept key that works is used again; a lost or wrong one is replaced by a working one", async () => {
  const config = farm.app.get(Config);
  expect(await provideRootKey(config, farm.apiKey)).toBe(farm.apiKey);
  const replaced = await provideRootKey(config, `bf_${"A".repeat(43)}`);
  expect(replaced).not.toBe(farm.apiKey);
  expect(await provideRootKey(config, replaced)).toBe(replaced);
  expect(await provideRootKey(config, null)).not.toBe(replaced);
});
