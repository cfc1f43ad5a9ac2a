import { Module } from "@nestjs/common";
import { MatrixController } from "./matrix.controller.js";

@Module({ controllers: [MatrixController] })
export class MatrixModule {}
