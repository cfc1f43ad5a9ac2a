-- The spine of the farm: all slices. The first part is Prisma's own; the last part, by hand, holds what its schema language
-- cannot say: the partial unique indexes and the constraints that make the invariants of docs/run-lifecycle.md the database's.

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "device_lifecycle" AS ENUM ('pending', 'active', 'maintenance', 'retired');

-- CreateEnum
CREATE TYPE "device_quarantine" AS ENUM ('none', 'auto', 'manual');

-- CreateEnum
CREATE TYPE "device_health" AS ENUM ('unknown', 'good', 'suspect', 'bad', 'looping');

-- CreateEnum
CREATE TYPE "device_availability" AS ENUM ('unreachable', 'initializing', 'checking', 'ready', 'leased', 'cleaning', 'cooling', 'draining', 'updating');

-- CreateEnum
CREATE TYPE "run_state" AS ENUM ('blocked', 'queued', 'active', 'canceling', 'done');

-- CreateEnum
CREATE TYPE "run_outcome" AS ENUM ('succeeded', 'failed', 'invalid', 'infra_error', 'timed_out', 'expired', 'no_capacity', 'canceled', 'superseded', 'reused');

-- CreateEnum
CREATE TYPE "attempt_phase" AS ENUM ('offered', 'accepted', 'preparing', 'gating', 'measuring', 'finalizing', 'ended');

-- CreateEnum
CREATE TYPE "attempt_end_reason" AS ENUM ('completed', 'run_failed', 'run_invalid', 'timed_out', 'lease_lost', 'agent_crash', 'device_lost', 'gate_timeout', 'preempted', 'drained', 'offer_lapsed', 'canceled', 'server_fault');

-- CreateEnum
CREATE TYPE "sweep_state" AS ENUM ('active', 'canceling', 'done');

-- CreateTable
CREATE TABLE "event" (
    "sequence" BIGSERIAL NOT NULL,
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "outbox" (
    "sequence" BIGSERIAL NOT NULL,
    "task" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "payload" JSONB NOT NULL DEFAULT '{}',
    "not_before" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "org_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_digest" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("org_id","key")
);

-- CreateTable
CREATE TABLE "org" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "root" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "org_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "secret_digest" TEXT NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sku" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "form_factor" TEXT,
    "manufacturer" TEXT,
    "product" TEXT,
    "cpu_model" TEXT,
    "physical_cores" INTEGER,
    "logical_cores" INTEGER,
    "memory_bytes" BIGINT,
    "architecture" TEXT,
    "virtualisation" TEXT,
    "gpus" JSONB NOT NULL DEFAULT '[]',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sku_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "model" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "family" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "parameter_count" BIGINT,
    "weights" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifact" (
    "sha256" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifact_pkey" PRIMARY KEY ("sha256")
);

-- CreateTable
CREATE TABLE "quant" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "model_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "format" TEXT NOT NULL DEFAULT 'gguf',
    "parameter_count" BIGINT NOT NULL,
    "bits_per_weight" DOUBLE PRECISION NOT NULL,
    "decode_bytes_per_token" BIGINT,
    "kv_bytes_per_token" BIGINT,
    "context_length" BIGINT,
    "weights" TEXT NOT NULL,
    "source" JSONB NOT NULL,
    "header" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "quant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "engine" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "adapter" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "build" TEXT NOT NULL,
    "program" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "engine_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workload" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "enrolment" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "name" TEXT,
    "code_digest" TEXT NOT NULL,
    "max_devices" INTEGER NOT NULL,
    "auto_approve" BOOLEAN NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "agent_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "enrolment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "enrolment_id" TEXT NOT NULL,
    "auto_approve" BOOLEAN NOT NULL,
    "max_devices" INTEGER NOT NULL,
    "agent_version" TEXT NOT NULL,
    "protocol_version" INTEGER NOT NULL,
    "session_id" TEXT,
    "session_at" TIMESTAMPTZ(3),
    "last_seen_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "device" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "local_id" TEXT NOT NULL,
    "sku_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "lifecycle" "device_lifecycle" NOT NULL DEFAULT 'pending',
    "quarantine" "device_quarantine" NOT NULL DEFAULT 'none',
    "quarantine_reason" TEXT,
    "quarantine_until" TIMESTAMPTZ(3),
    "health" "device_health" NOT NULL DEFAULT 'unknown',
    "availability" "device_availability" NOT NULL DEFAULT 'unreachable',
    "lease_epoch" INTEGER NOT NULL DEFAULT 0,
    "simulated" BOOLEAN NOT NULL DEFAULT false,
    "cooling" TEXT NOT NULL DEFAULT 'as_sold',
    "tags" TEXT[],
    "facts" JSONB NOT NULL,
    "engines" JSONB NOT NULL,
    "dimensions_digest" TEXT NOT NULL,
    "conditions" JSONB,
    "free_disk_bytes" BIGINT,
    "last_seen_at" TIMESTAMPTZ(3),
    "next_check_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "device_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "requirement" (
    "match_key" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "requirements" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "requirement_pkey" PRIMARY KEY ("match_key")
);

-- CreateTable
CREATE TABLE "device_match" (
    "device_id" TEXT NOT NULL,
    "match_key" TEXT NOT NULL,

    CONSTRAINT "device_match_pkey" PRIMARY KEY ("device_id","match_key")
);

-- CreateTable
CREATE TABLE "result" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "attempt_id" TEXT NOT NULL,
    "device_id" TEXT NOT NULL,
    "sku_id" TEXT NOT NULL,
    "quant_id" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "engine_id" TEXT,
    "status" TEXT NOT NULL,
    "failure" JSONB,
    "validity" TEXT NOT NULL,
    "validity_reasons" TEXT[],
    "canonical" BOOLEAN NOT NULL,
    "fenced" BOOLEAN NOT NULL,
    "requested_backend" TEXT NOT NULL,
    "effective_backend" TEXT,
    "cell_key" TEXT,
    "key_fields" JSONB,
    "simulated" BOOLEAN NOT NULL DEFAULT false,
    "settings" JSONB,
    "engine_facts" JSONB,
    "backend_evidence" TEXT[],
    "command" TEXT[],
    "raw_output" TEXT,
    "phases_ms" JSONB,
    "agent_version" TEXT NOT NULL,
    "submission_digest" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "result_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sample" (
    "result_id" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "warmup" BOOLEAN NOT NULL,
    "prompt_tokens" INTEGER NOT NULL,
    "prompt_ns" BIGINT,
    "generated_tokens" INTEGER NOT NULL,
    "generation_ns" BIGINT,
    "total_ns" BIGINT,
    "load_ns" BIGINT,
    "cpu_ns" BIGINT,
    "peak_memory_bytes" BIGINT,
    "gate_ms" DOUBLE PRECISION,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "sample_pkey" PRIMARY KEY ("result_id","index")
);

-- CreateTable
CREATE TABLE "result_metric" (
    "result_id" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "n" INTEGER NOT NULL,
    "median" DOUBLE PRECISION NOT NULL,
    "mean" DOUBLE PRECISION NOT NULL,
    "stddev" DOUBLE PRECISION,
    "min" DOUBLE PRECISION NOT NULL,
    "max" DOUBLE PRECISION NOT NULL,
    "low" DOUBLE PRECISION,
    "high" DOUBLE PRECISION,

    CONSTRAINT "result_metric_pkey" PRIMARY KEY ("result_id","metric")
);

-- CreateTable
CREATE TABLE "cell" (
    "key" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "key_fields" JSONB NOT NULL,
    "sku_id" TEXT NOT NULL,
    "model_id" TEXT NOT NULL,
    "quant_id" TEXT NOT NULL,
    "engine_id" TEXT NOT NULL,
    "backend" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "simulated" BOOLEAN NOT NULL DEFAULT false,
    "status" TEXT NOT NULL,
    "failure" JSONB,
    "held_count" INTEGER NOT NULL DEFAULT 0,
    "result_count" INTEGER NOT NULL,
    "sample_count" INTEGER NOT NULL,
    "device_count" INTEGER NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cell_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "cell_metric" (
    "cell_key" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "n" INTEGER NOT NULL,
    "median" DOUBLE PRECISION NOT NULL,
    "mean" DOUBLE PRECISION NOT NULL,
    "stddev" DOUBLE PRECISION,
    "min" DOUBLE PRECISION NOT NULL,
    "max" DOUBLE PRECISION NOT NULL,
    "low" DOUBLE PRECISION,
    "high" DOUBLE PRECISION,

    CONSTRAINT "cell_metric_pkey" PRIMARY KEY ("cell_key","metric")
);

-- CreateTable
CREATE TABLE "run" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "sweep_id" TEXT,
    "state" "run_state" NOT NULL,
    "blocked_reason" TEXT,
    "outcome" "run_outcome",
    "reason" TEXT,
    "quant_id" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "engine_version" TEXT,
    "backend" TEXT NOT NULL,
    "device_id" TEXT,
    "sku_id" TEXT,
    "match_key" TEXT NOT NULL,
    "band" INTEGER NOT NULL,
    "vft" DOUBLE PRECISION NOT NULL,
    "estimated_ms" BIGINT NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deadline_at" TIMESTAMPTZ(3),
    "dispatch_count" INTEGER NOT NULL DEFAULT 0,
    "charged_count" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL DEFAULT 3,
    "cancel_requested" BOOLEAN NOT NULL DEFAULT false,
    "rerun_of" TEXT,
    "result_id" TEXT,
    "next_check_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempt" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "device_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "claim_id" TEXT NOT NULL,
    "lease_epoch" INTEGER NOT NULL,
    "phase" "attempt_phase" NOT NULL,
    "end_reason" "attempt_end_reason",
    "detail" TEXT,
    "failure" JSONB,
    "progress" JSONB,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "next_check_at" TIMESTAMPTZ(3),
    "offered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "accepted_at" TIMESTAMPTZ(3),
    "measuring_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "org_share" (
    "org_id" TEXT NOT NULL,
    "last_vft" DOUBLE PRECISION NOT NULL DEFAULT 0,

    CONSTRAINT "org_share_pkey" PRIMARY KEY ("org_id")
);

-- CreateTable
CREATE TABLE "sweep" (
    "id" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "state" "sweep_state" NOT NULL,
    "band" INTEGER NOT NULL,
    "spec" JSONB NOT NULL,
    "digest" TEXT NOT NULL,
    "run_count" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "sweep_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "event_id_key" ON "event"("id");

-- CreateIndex
CREATE INDEX "event_subject_kind_subject_id_sequence_idx" ON "event"("subject_kind", "subject_id", "sequence");

-- CreateIndex
CREATE INDEX "event_org_id_sequence_idx" ON "event"("org_id", "sequence");

-- CreateIndex
CREATE INDEX "outbox_not_before_sequence_idx" ON "outbox"("not_before", "sequence");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "org_slug_key" ON "org"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_secret_digest_key" ON "api_key"("secret_digest");

-- CreateIndex
CREATE INDEX "api_key_org_id_id_idx" ON "api_key"("org_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "sku_org_id_key_key" ON "sku"("org_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "model_org_id_name_revision_weights_key" ON "model"("org_id", "name", "revision", "weights");

-- CreateIndex
CREATE INDEX "artifact_org_id_idx" ON "artifact"("org_id");

-- CreateIndex
CREATE INDEX "quant_model_id_idx" ON "quant"("model_id");

-- CreateIndex
CREATE UNIQUE INDEX "quant_org_id_sha256_key" ON "quant"("org_id", "sha256");

-- CreateIndex
CREATE UNIQUE INDEX "engine_org_id_adapter_version_build_program_key" ON "engine"("org_id", "adapter", "version", "build", "program");

-- CreateIndex
CREATE UNIQUE INDEX "workload_org_id_digest_key" ON "workload"("org_id", "digest");

-- CreateIndex
CREATE UNIQUE INDEX "enrolment_code_digest_key" ON "enrolment"("code_digest");

-- CreateIndex
CREATE INDEX "enrolment_org_id_id_idx" ON "enrolment"("org_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "agent_public_key_key" ON "agent"("public_key");

-- CreateIndex
CREATE INDEX "agent_org_id_id_idx" ON "agent"("org_id", "id");

-- CreateIndex
CREATE INDEX "device_org_id_id_idx" ON "device"("org_id", "id");

-- CreateIndex
CREATE INDEX "device_next_check_at_idx" ON "device"("next_check_at");

-- CreateIndex
CREATE UNIQUE INDEX "device_agent_id_local_id_key" ON "device"("agent_id", "local_id");

-- CreateIndex
CREATE INDEX "requirement_org_id_idx" ON "requirement"("org_id");

-- CreateIndex
CREATE INDEX "device_match_match_key_idx" ON "device_match"("match_key");

-- CreateIndex
CREATE INDEX "result_org_id_id_idx" ON "result"("org_id", "id");

-- CreateIndex
CREATE INDEX "result_run_id_idx" ON "result"("run_id");

-- CreateIndex
CREATE INDEX "result_cell_key_idx" ON "result"("cell_key");

-- CreateIndex
CREATE INDEX "result_device_id_id_idx" ON "result"("device_id", "id");

-- CreateIndex
CREATE INDEX "cell_org_id_sku_id_quant_id_idx" ON "cell"("org_id", "sku_id", "quant_id");

-- CreateIndex
CREATE INDEX "cell_org_id_workload_id_idx" ON "cell"("org_id", "workload_id");

-- CreateIndex
CREATE INDEX "run_org_id_id_idx" ON "run"("org_id", "id");

-- CreateIndex
CREATE INDEX "run_sweep_id_state_idx" ON "run"("sweep_id", "state");

-- CreateIndex
CREATE INDEX "run_next_check_at_idx" ON "run"("next_check_at");

-- CreateIndex
CREATE UNIQUE INDEX "attempt_claim_id_key" ON "attempt"("claim_id");

-- CreateIndex
CREATE INDEX "attempt_run_id_idx" ON "attempt"("run_id");

-- CreateIndex
CREATE INDEX "attempt_device_id_offered_at_idx" ON "attempt"("device_id", "offered_at");

-- CreateIndex
CREATE INDEX "attempt_next_check_at_idx" ON "attempt"("next_check_at");

-- CreateIndex
CREATE INDEX "sweep_org_id_id_idx" ON "sweep"("org_id", "id");

-- AddForeignKey
ALTER TABLE "quant" ADD CONSTRAINT "quant_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "device" ADD CONSTRAINT "device_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sample" ADD CONSTRAINT "sample_result_id_fkey" FOREIGN KEY ("result_id") REFERENCES "result"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "result_metric" ADD CONSTRAINT "result_metric_result_id_fkey" FOREIGN KEY ("result_id") REFERENCES "result"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cell_metric" ADD CONSTRAINT "cell_metric_cell_key_fkey" FOREIGN KEY ("cell_key") REFERENCES "cell"("key") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;



-- By hand from here on -----------------------------------------------------------------------------------------------

-- I1: at most one live attempt per run. I2: at most one live lease per device.
CREATE UNIQUE INDEX "attempt_live_run_key" ON "attempt"("run_id") WHERE "phase" <> 'ended';
CREATE UNIQUE INDEX "attempt_live_device_key" ON "attempt"("device_id") WHERE "phase" <> 'ended';
-- Expiry looks only at live attempts.
CREATE INDEX "attempt_live_lease_idx" ON "attempt"("lease_until") WHERE "phase" <> 'ended';
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_ended_iff_reason"
  CHECK (("phase" = 'ended') = ("end_reason" IS NOT NULL) AND ("phase" = 'ended') = ("ended_at" IS NOT NULL));

-- I6: one canonical result per run; one result per attempt, late and conflicting copies kept beside it as fenced evidence.
CREATE UNIQUE INDEX "result_canonical_run_key" ON "result"("run_id") WHERE "canonical";
CREATE UNIQUE INDEX "result_attempt_key" ON "result"("attempt_id") WHERE NOT "fenced";
ALTER TABLE "result" ADD CONSTRAINT "result_canonical_not_superseded" CHECK (NOT "canonical" OR "validity" <> 'invalid' OR "status" = 'failed');
-- The fold of a cell reads only what counts.
CREATE INDEX "result_fold_idx" ON "result"("cell_key", "validity") WHERE "canonical";

-- The order of a claim: within a match key by band, fair-share time and age.
CREATE INDEX "run_claim_order" ON "run"("match_key", "band", "vft", "id") WHERE "state" = 'queued';
CREATE INDEX "run_sweep_open_idx" ON "run"("sweep_id") WHERE "state" <> 'done';
ALTER TABLE "run" ADD CONSTRAINT "run_done_iff_outcome"
  CHECK (("state" = 'done') = ("outcome" IS NOT NULL) AND ("state" = 'done') = ("ended_at" IS NOT NULL));
ALTER TABLE "run" ADD CONSTRAINT "run_one_target" CHECK (("device_id" IS NULL) <> ("sku_id" IS NULL));
-- I11: a run's retry budget.
ALTER TABLE "run" ADD CONSTRAINT "run_charged_within_budget" CHECK ("charged_count" <= "max_attempts" AND "dispatch_count" <= 10);
-- I5: nothing that is not done waits for ever.
ALTER TABLE "run" ADD CONSTRAINT "run_open_has_check" CHECK ("state" = 'done' OR "next_check_at" IS NOT NULL);
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_live_has_check" CHECK ("phase" = 'ended' OR "next_check_at" IS NOT NULL);

-- I4: what is done never changes. A done run may only gain a canonical result that came late.
CREATE FUNCTION "run_done_is_final"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."state" = 'done' AND (NEW."state", NEW."outcome", NEW."ended_at", NEW."dispatch_count", NEW."charged_count")
     IS DISTINCT FROM (OLD."state", OLD."outcome", OLD."ended_at", OLD."dispatch_count", OLD."charged_count") THEN
    RAISE EXCEPTION 'run % is done and cannot change', OLD."id" USING ERRCODE = 'check_violation', CONSTRAINT = 'run_done_is_final';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "run_done_is_final" BEFORE UPDATE ON "run" FOR EACH ROW EXECUTE FUNCTION "run_done_is_final"();

CREATE FUNCTION "attempt_ended_is_final"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."phase" = 'ended' THEN
    RAISE EXCEPTION 'attempt % has ended and cannot change', OLD."id" USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_ended_is_final';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "attempt_ended_is_final" BEFORE UPDATE ON "attempt" FOR EACH ROW EXECUTE FUNCTION "attempt_ended_is_final"();

-- I3: a device's lease epoch only rises.
CREATE FUNCTION "device_epoch_rises"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."lease_epoch" < OLD."lease_epoch" THEN
    RAISE EXCEPTION 'the lease epoch of device % cannot fall', OLD."id" USING ERRCODE = 'check_violation', CONSTRAINT = 'device_epoch_rises';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "device_epoch_rises" BEFORE UPDATE ON "device" FOR EACH ROW EXECUTE FUNCTION "device_epoch_rises"();

-- Raw samples are append-only.
CREATE FUNCTION "sample_is_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'samples are append-only' USING ERRCODE = 'check_violation', CONSTRAINT = 'sample_is_append_only';
END $$;
CREATE TRIGGER "sample_is_append_only" BEFORE UPDATE OR DELETE ON "sample" FOR EACH ROW EXECUTE FUNCTION "sample_is_append_only"();
