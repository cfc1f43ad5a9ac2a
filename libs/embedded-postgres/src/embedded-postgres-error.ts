/** Why an embedded server could not be had. `code` is stable; the message says what to do. */
export type EmbeddedPostgresErrorCode =
  | "no_binaries"
  | "data_folder_not_postgres"
  | "data_folder_other_major"
  | "data_folder_not_accessible"
  | "initdb_failed"
  | "start_failed"
  | "start_timeout"
  | "stop_failed";

/** Thrown by everything in this package that cannot keep its promise. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EmbeddedPostgresError";
    this.code = code;
  }
}
