import { Problem, routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Handles, orgOf, type Call } from "../platform/http/handles.js";
import { listCells, readCell } from "./cell-read.store.js";
import { reproduceSteps } from "./reproduce.rules.js";
import { listResults, readCellResults, readResultDetail } from "./result-read.store.js";

/** A cell shows this many of its newest results; the list of results has them all. */
const CELL_RESULTS = 20;

@Controller()
export class ResultController {
  constructor(private readonly database: Database) {}

  @Handles(routes.listResults)
  async listResults(call: Call<typeof routes.listResults>) {
    return listResults(this.database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readResult)
  async readResult(call: Call<typeof routes.readResult>) {
    const detail = await readResultDetail(this.database.prisma, orgOf(call), call.params.id);
    if (detail === null) throw new Problem("not_found", `there is no result ${call.params.id}`);
    return detail;
  }

  @Handles(routes.listCells)
  async listCells(call: Call<typeof routes.listCells>) {
    return listCells(this.database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readCell)
  async readCell(call: Call<typeof routes.readCell>) {
    const orgId = orgOf(call);
    const { key } = call.params;
    const found = await readCell(this.database.prisma, orgId, key);
    if (found === null) {
      throw new Problem("not_found", `there is no cell ${key}; list them with GET /v1/cells`);
    }
    const { cell, workload, bitsPerWeight, sizeBytes, source, sha256, adapter } = found;
    const results = await readCellResults(this.database.prisma, orgId, key, CELL_RESULTS);
    const reproduce = reproduceSteps({
      source,
      sha256,
      adapter,
      workload,
      skuId: cell.skuId,
      quantId: cell.quantId,
      quantName: cell.quantName,
      modelName: cell.modelName,
      backend: cell.backend,
      workloadName: cell.workloadName,
      threads: cell.keyFields.settings.threads,
      command: results.find((result) => result.command !== null)?.command ?? null,
    });
    return { ...cell, workload, bitsPerWeight, sizeBytes, results, reproduce };
  }
}
