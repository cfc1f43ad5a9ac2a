import { Module } from "@nestjs/common";
import { FoldCellTask } from "./fold-cell.task.js";
import { ResultController } from "./result.controller.js";

@Module({ controllers: [ResultController], providers: [FoldCellTask] })
export class ResultModule {}
