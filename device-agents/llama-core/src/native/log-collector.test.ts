import koffi from "koffi";
import { findLibraries } from "../find-libraries.js";
import { openLlamaLibrary } from "./llama-library.js";
import { LogCollector } from "./log-collector.js";

test("a failed load leaves llama.cpp's own words, and nothing is heard outside of it", () => {
  const installed = findLibraries();
  const library = openLlamaLibrary(installed);
  const errors: string[] = [];
  const log = new LogCollector(false, (line) => errors.push(line));
  log.attach(library);
  library.loadAllBackends(installed.directory);
  expect(log.take().join("\n")).toMatch(/loaded CPU backend from/u);
  const load = (): unknown =>
    library.modelLoadFromFile("/nowhere/absent.gguf", library.modelDefaultParams());

  expect(log.during(load)).toBeNull();
  expect(log.reason()).toMatch(/^: .*absent\.gguf.*No such file or directory/u);
  expect(errors.join("\n")).toContain("No such file or directory");
  expect(log.take().length).toBeGreaterThan(0);

  errors.length = 0;
  expect(load()).toBeNull();
  expect(errors).toEqual([]);
  expect(log.take()).toEqual([]);
  expect(koffi.stats().callbacks).toBeGreaterThan(0);
});
