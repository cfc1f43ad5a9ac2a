import { Global, Module } from "@nestjs/common";
import { APP_FILTER, APP_GUARD, DiscoveryModule } from "@nestjs/core";
import { Clock } from "./clock.js";
import { Config } from "./config.js";
import { Database } from "./database/database.js";
import { Notifications } from "./database/notifications.js";
import { AccessGuard } from "./http/access.guard.js";
import { AgentKeyCache } from "./http/agent-keys.js";
import { Dashboard } from "./http/dashboard.js";
import { DocumentationController } from "./http/documentation.controller.js";
import { OperationsController } from "./http/operations.controller.js";
import { Metrics } from "./metrics.js";
import { IdempotencyInterceptor } from "./http/idempotency.js";
import { ProblemFilter } from "./http/problem.filter.js";
import { RouteTable } from "./http/route-table.js";
import { Log } from "./log.js";
import { makeTaskQueue } from "./queue/open-task-queue.js";
import { Relay } from "./queue/relay.js";
import { TaskQueue } from "./queue/task-queue.js";
import { TaskRunner } from "./queue/task-runner.js";
import { Periodic } from "./schedule.js";
import { Shutdown } from "./shutdown.js";
import { Wake } from "./wake.js";

/** What every slice stands on, injectable everywhere. */
@Global()
@Module({
  imports: [DiscoveryModule],
  controllers: [OperationsController, DocumentationController],
  providers: [
    Clock,
    Log,
    Database,
    Notifications,
    Wake,
    AgentKeyCache,
    Dashboard,
    IdempotencyInterceptor,
    RouteTable,
    Periodic,
    Shutdown,
    {
      provide: TaskQueue,
      useFactory: (config: Config, log: Log) =>
        makeTaskQueue(
          {
            databaseUrl: config.databaseUrl,
            redisUrl: config.redisUrl,
            prefix: config.queuePrefix,
            lockMs: config.timers.taskLockMs,
          },
          log.pino,
        ),
      inject: [Config, Log],
    },
    TaskRunner,
    Relay,
    Metrics,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
  exports: [
    Clock,
    Log,
    Database,
    Notifications,
    Wake,
    AgentKeyCache,
    Dashboard,
    IdempotencyInterceptor,
    Periodic,
    Shutdown,
    TaskQueue,
    TaskRunner,
    Relay,
  ],
})
export class PlatformModule {
  /** The settings are made before Nest starts. */
  static withConfig(config: Config) {
    return {
      module: PlatformModule,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    };
  }
}
