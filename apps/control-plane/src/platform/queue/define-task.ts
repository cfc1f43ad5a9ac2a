import { Injectable, SetMetadata, applyDecorators } from "@nestjs/common";
import type { ZodType } from "zod";
import type { TaskName } from "./tasks.js";

export const TASK_METADATA = "benchfarm:task";

export interface TaskDefinition {
  name: TaskName;
  /** Parses the payload; the default of `{}` suits tasks that only need their key. */
  payload: ZodType;
  /**
   * How many keys may travel as one queue job (1 by default). Above 1 the queue's cost is shared: right for small tasks that come by
   * the hundred, such as folds. Each key still runs, fails and is retried on its own.
   */
  batch?: number;
}

/** What a class decorated with `@BackgroundTask` must be. `run` is idempotent: a task may come twice, late, or beside itself. */
export interface TaskHandler<Payload = unknown> {
  run(payload: Payload, context: { key: string }): Promise<void>;
}

/** Makes an injectable class the one handler of a background task; list it in its module's providers. */
export function BackgroundTask(definition: TaskDefinition): ClassDecorator {
  return applyDecorators(Injectable(), SetMetadata(TASK_METADATA, definition));
}
