import { Module } from "@nestjs/common";
import { AcceptAttempt } from "./accept-attempt.js";
import { AgentController } from "./agent.controller.js";
import { CancelRun } from "./cancel-run.js";
import { ClaimRun } from "./claim-run.js";
import { CreateRuns } from "./create-runs.js";
import { EndAttempt } from "./end-attempt.js";
import { ExpireLeases } from "./expire-leases.js";
import { ExpireLeasesTask } from "./expire-leases.task.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { FinishAttempt } from "./finish-attempt.js";
import { PollWaiters } from "./poll-waiters.js";
import { Reconcile } from "./reconcile.js";
import { RenewLeases } from "./renew-leases.js";
import { RepairRuns } from "./repair-runs.js";
import { RunController } from "./run.controller.js";
import { SubmitResult } from "./submit-result.js";
import { SyncAttempts } from "./sync-attempts.js";

/** Runs and attempts: the queue, the leases, and what agents call. */
@Module({
  controllers: [RunController, AgentController],
  providers: [
    AcceptAttempt,
    CancelRun,
    ClaimRun,
    CreateRuns,
    EndAttempt,
    ExpireLeases,
    ExpireLeasesTask,
    ExpiryTimer,
    FinishAttempt,
    PollWaiters,
    Reconcile,
    RenewLeases,
    RepairRuns,
    SubmitResult,
    SyncAttempts,
  ],
  exports: [CancelRun, CreateRuns],
})
export class RunModule {}
