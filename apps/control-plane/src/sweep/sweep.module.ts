import { Module } from "@nestjs/common";
import { RunModule } from "../run/run.module.js";
import { CancelSweep } from "./cancel-sweep.js";
import { MakeSweep } from "./create-sweep.js";
import { SettleSweepTask } from "./settle-sweep.task.js";
import { SweepController } from "./sweep.controller.js";

/** Cross products of runs, created and followed as one. */
@Module({
  imports: [RunModule],
  controllers: [SweepController],
  providers: [CancelSweep, MakeSweep, SettleSweepTask],
})
export class SweepModule {}
