import { Module } from "@nestjs/common";
import { ArtifactFiles } from "./artifact-files.js";
import { ArtifactController } from "./artifact.controller.js";
import { CatalogueController } from "./catalogue.controller.js";
import { RegisterStoredQuant } from "./register-quant.js";
import { SendArtifact } from "./send-artifact.js";
import { UploadArtifact } from "./upload-artifact.js";

/** Kinds of hardware, models and their files, engines, workloads. */
@Module({
  controllers: [CatalogueController, ArtifactController],
  providers: [ArtifactFiles, SendArtifact, UploadArtifact, RegisterStoredQuant],
  exports: [ArtifactFiles],
})
export class CatalogueModule {}
