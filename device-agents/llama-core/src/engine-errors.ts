/** Why the embedded engine cannot be used here; the message says what to do about it. */
export type EngineUnavailableReason =
  "unsupported_platform" | "package_not_installed" | "wrong_package_version" | "incomplete_package";

/** The machine has no usable native package of llama.cpp. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError";

  constructor(
    readonly reason: EngineUnavailableReason,
    message: string,
  ) {
    super(message);
  }
}

/** The command line cannot be understood; the program ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** llama.cpp or the model failed; the program ends with exit code 1. */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
}
