import { applyDecorators, Injectable, SetMetadata } from "@nestjs/common";
import type { ZodType } from "zod";
import type { TaskName } from "./tasks.js";

export const TASK_METADATA = "benchfarm:task";

export interface TaskDefinition {
  name: TaskName;
  /** Parses the payload of `enqueue`, `{}` when it gave none. */
  payload: ZodType;
  /**
   * How many keys may travel as one queue message (1 by default). Above 1 the queue's cost is shared: right for small tasks that come
   * by the hundred, such as folds. Each key still fails and is retried on its own.
   */
  batch?: number;
}

/** What a class decorated with `@BackgroundTask` must be. `run` is idempotent: a task may come twice, late, or beside itself. */
export interface TaskHandler<Payload = unknown> {
  run(payload: Payload, context: { key: string }): Promise<void>;
  /** For tasks with `batch`: all keys of a message at once. When it rejects, each is run alone. */
  runMany?(items: { key: string; payload: Payload }[]): Promise<void>;
}

/** Makes an injectable class the one handler of a background task; list it in its module's providers. */
export function BackgroundTask(definition: TaskDefinition): ClassDecorator {
  return applyDecorators(Injectable(), SetMetadata(TASK_METADATA, definition));
}
