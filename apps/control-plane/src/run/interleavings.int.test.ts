import { newId, type ResultSubmission } from "@benchfarm/contracts";
import { openSession } from "../device/open-session.js";
import { Database, Prisma } from "../platform/database/database.js";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { AcceptAttempt } from "./accept-attempt.js";
import {
  description,
  failureFor,
  newAgent,
  resultFor,
  seedCatalogue,
  type TestAgent,
} from "./agent.fixture.js";
import { CancelRun } from "./cancel-run.js";
import { ClaimRun } from "./claim-run.js";
import { CreateRuns } from "./create-runs.js";
import { EndAttempt } from "./end-attempt.js";
import { ExpireLeases } from "./expire-leases.js";
import { RenewLeases } from "./renew-leases.js";
import { RepairRuns } from "./repair-runs.js";
import { SubmitResult } from "./submit-result.js";
import { SyncAttempts } from "./sync-attempts.js";

type Offer = Awaited<ReturnType<TestAgent["claim"]>>;

/** Mulberry32: the same seed, the same sequence of verbs. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Refusals that the protocol has for late, repeated or foolish calls. */
const EXPECTED = [
  "stale_lease",
  "run_gone",
  "conflicting_result",
  "not_found",
  "invalid_request",
  "session_unknown",
];

const SEEDS = [1, 20_261_122];
const STEPS = 150;

let farm: TestFarm;
let target: { quantId: string; workloadId: string };

beforeAll(async () => {
  farm = await startTestFarm({
    role: "api",
    env: { BENCHFARM_REQUEUE_AFTER_LOSS_MS: "0", BENCHFARM_DATABASE_CONNECTIONS: "10" },
  });
  target = await seedCatalogue(farm);
});
afterAll(() => farm.stop());

/** What the books said before, to see that the past does not change. */
interface Books {
  runs: Map<string, string>;
  epochs: Map<string, number>;
}

/** Counts what breaks an invariant (docs/run-lifecycle.md); every number must be 0. */
async function broken(database: Database): Promise<Record<string, number>> {
  const rows = await database.prisma.$queryRaw<Record<string, number>[]>(Prisma.sql`
    select
      (select count(*)::int from (select run_id from attempt where phase <> 'ended' group by 1 having count(*) > 1) x) as "I1",
      (select count(*)::int from (select device_id from attempt where phase <> 'ended' group by 1 having count(*) > 1) x) as "I2",
      (select count(*)::int from attempt a join attempt b on a.device_id = b.device_id and a.id < b.id and a.lease_epoch = b.lease_epoch) as "I3",
      (select count(*)::int from run where state <> 'done' and next_check_at is null) as "I5",
      (select count(*)::int from (select run_id from result where canonical group by 1 having count(*) > 1) x)
        + (select count(*)::int from run r where r.state = 'done' and r.outcome in ('succeeded', 'failed', 'timed_out', 'infra_error')
            and not exists (select 1 from result x where x.run_id = r.id and x.canonical and x.id = r.result_id)) as "I6",
      (select count(*)::int from run where charged_count > max_attempts or dispatch_count > 10)
        + (select count(*)::int from run r where r.charged_count <> (select count(*) from attempt a where a.run_id = r.id
            and a.end_reason in ('lease_lost', 'agent_crash', 'device_lost'))) as "I11",
      (select count(*)::int from run r where (r.state in ('active', 'canceling'))
        <> exists (select 1 from attempt a where a.run_id = r.id and a.phase <> 'ended')) as "active iff attempted",
      (select count(*)::int from device d where (d.availability = 'leased')
        <> exists (select 1 from attempt a where a.device_id = d.id and a.phase <> 'ended')) as "leased iff attempted",
      (select count(*)::int from run r where (select count(*) from event e where e.subject_id = r.id and e.kind = 'run.created') <> 1
        or (select count(*) from event e where e.subject_id = r.id and e.kind = 'run.offered') <> r.dispatch_count
        or (select count(*) from event e where e.subject_id = r.id and e.kind = 'run.done') <> (r.state = 'done')::int
        or (select count(*) from event e where e.subject_id = r.id and e.kind in ('run.requeued', 'run.done') and e.data ? 'endReason')
          <> (select count(*) from attempt a where a.run_id = r.id and a.phase = 'ended')
        or (select count(*) from event e where e.subject_id = r.id and e.kind = 'run.accepted')
          <> (select count(*) from attempt a where a.run_id = r.id and a.accepted_at is not null)) as "I10"`);
  return rows[0] ?? {};
}

/** I4 and the rest of I3: what is done stays as it is, and epochs never fall. */
async function compare(database: Database, before: Books): Promise<string[]> {
  const faults: string[] = [];
  for (const run of await database.prisma.run.findMany({ where: { state: "done" } })) {
    const now = JSON.stringify([
      run.outcome,
      run.reason,
      run.resultId,
      run.endedAt,
      run.chargedCount,
    ]);
    const was = before.runs.get(run.id);
    if (was !== undefined && was !== now) faults.push(`I4: ${run.id} was ${was}, is ${now}`);
    before.runs.set(run.id, now);
  }
  for (const device of await database.prisma.device.findMany()) {
    if (device.leaseEpoch < (before.epochs.get(device.id) ?? 0)) faults.push(`I3: ${device.id}`);
    before.epochs.set(device.id, device.leaseEpoch);
  }
  return faults;
}

describe.each(SEEDS)("any interleaving of verbs, seed %i", (seed) => {
  it("keeps the invariants after every step", async () => {
    const next = random(seed);
    const pick = <T>(items: readonly T[]): T | undefined =>
      items[Math.floor(next() * items.length)];
    const { app, database, orgId } = farm;
    const agents = await Promise.all([
      newAgent(farm),
      newAgent(farm, [description({ localId: "a" }), description({ localId: "b" })]),
    ]);
    const skuId = (await database.prisma.device.findFirstOrThrow()).skuId;
    const held: { agent: TestAgent; offer: Offer; result: ResultSubmission }[] = [];
    const runIds: string[] = [];
    const books: Books = { runs: new Map(), epochs: new Map() };
    const idle = new AbortController().signal;

    const verbs: Record<string, () => Promise<unknown>> = {
      create: async () => {
        const device = pick(agents.flatMap((agent) => agent.deviceIds));
        const place =
          next() < 0.5 ? { deviceId: device as string, skuId: null } : { deviceId: null, skuId };
        const base = {
          ...target,
          engine: "llama-cpp",
          engineVersion: null,
          backend: "cpu" as const,
        };
        const common = {
          sweepId: null,
          band: "interactive" as const,
          maxAttempts: 2,
          actor: "test",
        };
        const ids = await database.inTransaction((tx) =>
          app.get(CreateRuns).create(tx, orgId, [{ ...base, ...place }], common),
        );
        runIds.push(...ids);
      },
      poll: async () => {
        const agent = pick(agents) as TestAgent;
        const devices = agent.deviceIds.map((deviceId) => ({
          deviceId,
          availability: "ready" as const,
          conditions: null,
          freeDiskBytes: null,
        }));
        const poll = { sessionId: agent.sessionId, claimId: newId("claim"), waitMs: 0, devices };
        const reply = await app.get(ClaimRun).poll(agent.agentId as string, poll, idle);
        if (reply.kind !== "offer") return;
        const offer = reply.assignment;
        const result =
          next() < 0.7
            ? resultFor(offer)
            : failureFor(offer, next() < 0.5 ? "disk_full" : "out_of_memory");
        held.push({ agent, offer, result });
      },
      accept: async () => {
        const item = pick(held);
        if (item)
          await app.get(AcceptAttempt).accept(item.agent.agentId, item.offer.attemptId, item.offer);
      },
      beat: async () => {
        const item = pick(held);
        if (item === undefined) return;
        const { attemptId, epoch } = item.offer;
        const phase = pick(["preparing", "gating", "measuring", "ended"] as const) ?? "measuring";
        const beat = {
          attemptId,
          epoch: next() < 0.9 ? epoch : epoch + 1,
          phase,
          quietMs: 0,
          progress: null,
        };
        await app.get(RenewLeases).renew(item.agent.agentId, item.agent.sessionId, [beat], []);
      },
      submit: async () => {
        const item = pick(held);
        if (item === undefined) return;
        const { attemptId, epoch } = item.offer;
        await app.get(SubmitResult).submit(item.agent.agentId, attemptId, epoch, item.result);
      },
      end: async () => {
        const item = pick(held);
        if (item === undefined) return;
        const endReason =
          pick(["drained", "device_lost", "gate_timeout", "canceled", "completed"] as const) ??
          "drained";
        const { attemptId, epoch } = item.offer;
        await app
          .get(EndAttempt)
          .end(item.agent.agentId, attemptId, { epoch, endReason, detail: null });
      },
      expire: async () => {
        const item = pick(held);
        if (item === undefined) return;
        await database.prisma.attempt.updateMany({
          where: { id: item.offer.attemptId, phase: { not: "ended" } },
          data: { leaseUntil: new Date(0) },
        });
        await app.get(ExpireLeases).expireAll();
      },
      cancel: async () => {
        const id = pick(runIds);
        if (id === undefined || next() < 0.6) return;
        await database.inTransaction((tx) =>
          app.get(CancelRun).cancel(tx, orgId, id, null, "test"),
        );
      },
      session: async () => {
        if (next() < 0.7) return;
        const agent = pick(agents) as TestAgent;
        const { devices, agentId } = agent;
        const session = await database.inTransaction((tx) =>
          openSession(tx, agentId, newId("claim"), {
            agentVersion: "0.1.0",
            protocolVersion: 1,
            devices,
          }),
        );
        agent.sessionId = session.sessionId;
        const known = held.filter((item) => item.agent === agent && next() < 0.6).slice(-5);
        const reports = known.map(({ offer }) => ({
          attemptId: offer.attemptId,
          epoch: offer.epoch,
          hasResult: next() < 0.3,
        }));
        await app.get(SyncAttempts).sync(agentId, reports);
      },
      skipDelay: () =>
        database.prisma.$executeRaw(
          Prisma.sql`update run set not_before = now() where state = 'queued'`,
        ),
    };
    const names = [
      "create",
      "poll",
      "poll",
      "poll",
      "accept",
      "accept",
      "beat",
      "beat",
      "submit",
      "submit",
      "end",
      "expire",
      "cancel",
      "session",
      "skipDelay",
    ];
    const history: string[] = [];
    const refused: string[] = [];
    const take = async (name: string) => {
      history.push(name);
      try {
        await verbs[name]?.();
      } catch (error) {
        const code = (error as { code?: string }).code ?? "";
        if (!EXPECTED.includes(code)) throw error;
        refused.push(code);
      }
    };
    for (let step = 0; step < STEPS; step += 1) {
      // One verb, or up to four beside each other.
      const beside = next() < 0.5 ? 1 : 1 + Math.floor(next() * 4);
      await Promise.all(Array.from({ length: beside }, () => take(pick(names) as string)));
      const counts = await broken(database);
      const faults = Object.keys(counts).filter((name) => counts[name] !== 0);
      expect({ after: history.slice(-beside), faults }).toEqual({
        after: history.slice(-beside),
        faults: [],
      });
      expect(await compare(database, books)).toEqual([]);
      if (held.length > 12) held.shift();
    }
    expect(books.runs.size).toBeGreaterThan(3);
    expect(refused.length).toBeGreaterThan(0);
    expect(await app.get(RepairRuns).repair()).toMatchObject({ runs: 0, devices: 0 });
  }, 120_000);
});
