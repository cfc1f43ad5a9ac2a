import { Global, Module } from "@nestjs/common";
import { APP_FILTER, APP_GUARD, DiscoveryModule } from "@nestjs/core";
import { Clock } from "./clock.js";
import { Config } from "./config.js";
import { Database } from "./database/database.js";
import { Notifications } from "./database/notifications.js";
import { AccessGuard } from "./http/access.guard.js";
import { AgentKeyCache } from "./http/agent-keys.js";
import { Dashboard } from "./http/dashboard.js";
import { IdempotencyInterceptor } from "./http/idempotency.js";
import { ProblemFilter } from "./http/problem.filter.js";
import { RouteTable } from "./http/route-table.js";
import { Log } from "./log.js";
import { Wake } from "./wake.js";

/** What every slice stands on, injectable everywhere. */
@Global()
@Module({
  imports: [DiscoveryModule],
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
