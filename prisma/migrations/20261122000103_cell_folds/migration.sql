-- What the folds of cells and the reads of matrices need beyond the spine.

-- One row per result that its cell does not count yet, written in the result's own transaction and deleted by the fold that reads
-- it. The queue's hint may be lost; this may not. Rows are only ever added and deleted, so results never wait for each other.
CREATE TABLE "cell_stale" (
    "sequence" BIGSERIAL NOT NULL,
    "cell_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cell_stale_pkey" PRIMARY KEY ("sequence")
);
CREATE INDEX "cell_stale_cell_key_idx" ON "cell_stale"("cell_key");

-- Rises with every fold of an org's cells: the part of a matrix's ETag that its cells decide.
CREATE TABLE "cell_version" (
    "org_id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,

    CONSTRAINT "cell_version_pkey" PRIMARY KEY ("org_id")
);

-- Digest of the comparison fields that are no dimension of a matrix (cooling, power profile, settings), so that reading a
-- matrix compares short texts.
ALTER TABLE "cell" ADD COLUMN "context_digest" TEXT NOT NULL DEFAULT '';

-- A matrix filters by any dimension, and its facets probe each dimension's values.
CREATE INDEX "cell_org_id_model_id_idx" ON "cell"("org_id", "model_id");
CREATE INDEX "cell_org_id_quant_id_sku_id_idx" ON "cell"("org_id", "quant_id", "sku_id");
CREATE INDEX "cell_org_id_engine_id_idx" ON "cell"("org_id", "engine_id");
CREATE INDEX "cell_org_id_backend_idx" ON "cell"("org_id", "backend");

-- Places of a matrix without a cell: runs on their way, and runs that ended without a result.
CREATE INDEX "run_org_open_idx" ON "run"("org_id") WHERE "state" <> 'done';
CREATE INDEX "run_org_without_result_idx" ON "run"("org_id") WHERE "state" = 'done' AND "result_id" IS NULL;

-- The reconciler looks for sweeps whose last run has ended.
CREATE INDEX "sweep_open_idx" ON "sweep"("id") WHERE "state" <> 'done';
