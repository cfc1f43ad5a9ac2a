import { InvalidArgumentError, type Command } from "commander";

/** Adds the two flags that name the farm. */
export function withConnection(command: Command): Command {
  return command
    .option("--url <address>", "the control plane (BENCHFARM_URL)")
    .option("--key <secret>", "an API key (BENCHFARM_API_KEY)");
}

/** Parses a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError(`expected a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** Collects a flag that may be repeated or hold commas. */
export function list(text: string, before: string[] = []): string[] {
  return [
    ...before,
    ...text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  ];
}
