import { Module, type DynamicModule } from "@nestjs/common";
import { OrgModule } from "./org/org.module.js";
import type { Config } from "./platform/config.js";
import { PlatformModule } from "./platform/platform.module.js";

/** The seven slices in their order, on the platform; nothing else. */
@Module({})
export class AppModule {
  static withConfig(config: Config): DynamicModule {
    return { module: AppModule, imports: [PlatformModule.withConfig(config), OrgModule] };
  }
}
