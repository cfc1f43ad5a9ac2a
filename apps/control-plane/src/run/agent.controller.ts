import { routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { openSession } from "../device/open-session.js";
import { recordPresence } from "../device/record-presence.js";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { Handles, type Call } from "../platform/http/handles.js";
import { agentOf, signatureNonceOf } from "../platform/http/principal.js";
import { Wake } from "../platform/wake.js";
import { AcceptAttempt } from "./accept-attempt.js";
import { ClaimRun } from "./claim-run.js";
import { EndAttempt } from "./end-attempt.js";
import { RenewLeases } from "./renew-leases.js";
import { SubmitResult } from "./submit-result.js";
import { SyncAttempts } from "./sync-attempts.js";

/** What an enrolled agent calls. Every call may be repeated. */
@Controller()
export class AgentController {
  readonly #database: Database;
  readonly #wake: Wake;
  readonly #claimRun: ClaimRun;
  readonly #acceptAttempt: AcceptAttempt;
  readonly #renewLeases: RenewLeases;
  readonly #submitResult: SubmitResult;
  readonly #endAttempt: EndAttempt;
  readonly #syncAttempts: SyncAttempts;
  readonly #timers: Config["timers"];

  constructor(
    database: Database,
    wake: Wake,
    claimRun: ClaimRun,
    acceptAttempt: AcceptAttempt,
    renewLeases: RenewLeases,
    submitResult: SubmitResult,
    endAttempt: EndAttempt,
    syncAttempts: SyncAttempts,
    config: Config,
  ) {
    this.#database = database;
    this.#wake = wake;
    this.#claimRun = claimRun;
    this.#acceptAttempt = acceptAttempt;
    this.#renewLeases = renewLeases;
    this.#submitResult = submitResult;
    this.#endAttempt = endAttempt;
    this.#syncAttempts = syncAttempts;
    this.#timers = config.timers;
  }

  @Handles(routes.openSession)
  async openSession(call: Call<typeof routes.openSession>) {
    const agentId = agentOf(call);
    const session = await this.#database.inTransaction(async (tx) => {
      const opened = await openSession(tx, agentId, signatureNonceOf(call), call.body);
      await this.#wake.publish(tx, opened.matchKeys);
      return opened;
    });
    // After the session stands: attempts are locked before devices everywhere.
    const attempts = await this.#syncAttempts.sync(agentId, call.body.attempts);
    const { pollWaitMs, offerMs, heartbeatMs, leaseMs, maxQuietMs } = this.#timers;
    return {
      sessionId: session.sessionId,
      serverTime: session.serverTime.toISOString(),
      timers: { pollWaitMs, offerMs, heartbeatMs, leaseMs, maxQuietMs },
      devices: session.devices,
      attempts,
    };
  }

  @Handles(routes.pollWork)
  async poll(call: Call<typeof routes.pollWork>) {
    return this.#claimRun.poll(agentOf(call), call.body, call.signal);
  }

  @Handles(routes.acceptAttempt)
  async accept(call: Call<typeof routes.acceptAttempt>) {
    return this.#acceptAttempt.accept(agentOf(call), call.params.id, call.body);
  }

  @Handles(routes.heartbeat)
  async heartbeat(call: Call<typeof routes.heartbeat>) {
    const { sessionId, attempts, devices } = call.body;
    return { attempts: await this.#renewLeases.renew(agentOf(call), sessionId, attempts, devices) };
  }

  @Handles(routes.submitResult)
  async submit(call: Call<typeof routes.submitResult>) {
    const { epoch, result } = call.body;
    return this.#submitResult.submit(agentOf(call), call.params.id, epoch, result);
  }

  @Handles(routes.endAttempt)
  async end(call: Call<typeof routes.endAttempt>) {
    return this.#endAttempt.end(agentOf(call), call.params.id, call.body);
  }

  @Handles(routes.syncAttempts)
  async sync(call: Call<typeof routes.syncAttempts>) {
    const agentId = agentOf(call);
    await recordPresence(
      this.#database.prisma,
      agentId,
      call.body.sessionId,
      [],
      this.#timers.leaseMs,
    );
    return { attempts: await this.#syncAttempts.sync(agentId, call.body.attempts) };
  }
}
