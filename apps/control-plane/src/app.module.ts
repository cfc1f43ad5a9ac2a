import { Module, type DynamicModule } from "@nestjs/common";
import { CatalogueModule } from "./catalogue/catalogue.module.js";
import { DeviceModule } from "./device/device.module.js";
import { MatrixModule } from "./matrix/matrix.module.js";
import { OrgModule } from "./org/org.module.js";
import type { Config } from "./platform/config.js";
import { PlatformModule } from "./platform/platform.module.js";
import { ResultModule } from "./result/result.module.js";
import { RunModule } from "./run/run.module.js";
import { SweepModule } from "./sweep/sweep.module.js";

/** The seven slices in their order, on the platform; nothing else. */
@Module({})
export class AppModule {
  static withConfig(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.withConfig(config),
        OrgModule,
        CatalogueModule,
        DeviceModule,
        ResultModule,
        RunModule,
        SweepModule,
        MatrixModule,
      ],
    };
  }
}
