import { Module } from "@nestjs/common";
import { ApiKeys } from "../platform/http/api-keys.js";
import { OrgController } from "./org.controller.js";
import { StoredApiKeys } from "./verify-api-key.js";

/** Orgs and their API keys. */
@Module({
  controllers: [OrgController],
  providers: [{ provide: ApiKeys, useClass: StoredApiKeys }],
  exports: [ApiKeys],
})
export class OrgModule {}
