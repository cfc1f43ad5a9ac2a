import { Module } from "@nestjs/common";
import { AgentKeys } from "../platform/http/agent-keys.js";
import { DeviceController } from "./device.controller.js";
import { StoredAgentKeys } from "./stored-agent-keys.js";
import { WatchDevices } from "./watch-devices.js";

/** Devices, the agents that drive them, and the enrolments that agents came by. */
@Module({
  controllers: [DeviceController],
  providers: [{ provide: AgentKeys, useClass: StoredAgentKeys }, WatchDevices],
  exports: [AgentKeys],
})
export class DeviceModule {}
