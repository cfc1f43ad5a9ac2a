import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, newId, ProblemBody, routes, ServerProblem } from "@benchfarm/contracts";
import { createSigner, publicKeyText } from "@benchfarm/signatures";
import { Database } from "../database/database.js";
import { startTestFarm, type TestFarm } from "../testing/test-farm.js";
import { buildOpenApi } from "./openapi.js";

async function problemOf(call: Promise<unknown>): Promise<ServerProblem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ServerProblem) return error;
    throw error;
  }
  throw new Error("expected a problem");
}

describe("the HTTP side of the farm", () => {
  let farm: TestFarm;
  let dashboardDir: string;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${farm.url}${path}`, { headers });
  const asAdmin = () => ({ authorization: `Bearer ${farm.apiKey}` });

  beforeAll(async () => {
    dashboardDir = await mkdtemp(join(tmpdir(), "benchfarm-dashboard-"));
    await mkdir(join(dashboardDir, "assets"));
    await writeFile(join(dashboardDir, "index.html"), "<!doctype html><title>dash</title>");
    await writeFile(join(dashboardDir, "assets", "index-Ab12Cd34.js"), "export {};");
    farm = await startTestFarm({ env: { BENCHFARM_DASHBOARD_DIR: dashboardDir } });
  });
  afterAll(async () => {
    await farm.stop();
    await rm(dashboardDir, { recursive: true, force: true });
  });

  describe("says every error as a problem", () => {
    const send = (path: string, init: RequestInit) => fetch(`${farm.url}${path}`, init);
    it.each([
      ["an unknown address", "/v1/nothing", {}, 404, "not_found"],
      ["no key", "/v1/skus", {}, 401, "unauthenticated"],
      [
        "a wrong key",
        "/v1/skus",
        { headers: { authorization: "Bearer bf_x" } },
        401,
        "unauthenticated",
      ],
      ["a bad query", "/v1/skus?limit=0", { admin: true }, 400, "invalid_request"],
      ["a bad id", "/v1/skus/sku_1", { admin: true }, 400, "invalid_request"],
      [
        "a body that is no JSON",
        "/v1/workloads",
        { admin: true, method: "POST", body: "{", type: "application/json" },
        400,
        "invalid_request",
      ],
      [
        "a poisoned body",
        "/v1/workloads",
        { admin: true, method: "POST", body: '{"__proto__":{}}', type: "application/json" },
        400,
        "invalid_request",
      ],
      [
        "another media type",
        "/v1/workloads",
        { admin: true, method: "POST", body: "a=b", type: "application/x-www-form-urlencoded" },
        415,
        "unsupported_media_type",
      ],
      [
        "bytes where JSON belongs",
        "/v1/workloads",
        { admin: true, method: "POST", body: "ab", type: "application/octet-stream" },
        415,
        "unsupported_media_type",
      ],
      [
        "too large a body",
        "/v1/workloads",
        {
          admin: true,
          method: "POST",
          body: `"${"x".repeat(17 * 1024 * 1024)}"`,
          type: "application/json",
        },
        413,
        "payload_too_large",
      ],
    ])("%s", async (_, path, given, status, code) => {
      const { admin, method, body, type, headers } = given as {
        admin?: boolean;
        method?: string;
        body?: string;
        type?: string;
        headers?: Record<string, string>;
      };
      const reply = await send(path, {
        method: method ?? "GET",
        headers: {
          ...headers,
          ...(admin === true ? asAdmin() : {}),
          ...(type === undefined ? {} : { "content-type": type }),
          "x-request-id": "test-1",
        },
        ...(body === undefined ? {} : { body }),
      });
      expect(reply.headers.get("content-type")).toContain("application/problem+json");
      expect(reply.headers.get("x-request-id")).toBe("test-1");
      const problem = ProblemBody.parse(await reply.json());
      expect(problem).toMatchObject({ status, code, requestId: "test-1" });
      expect(reply.status).toBe(status);
    });

    it("lists the fields that are wrong", async () => {
      const problem = await problemOf(
        farm.client.call(routes.createWorkload, {
          body: { promptTokens: -1, generatedTokens: 5, repetitions: 0 },
        }),
      );
      expect(problem.errors?.map((each) => each.path).sort()).toEqual([
        "body.promptTokens",
        "body.repetitions",
      ]);
    });

    it("keeps what went wrong inside to itself", async () => {
      const database = farm.app.get(Database);
      await database.pool.query("alter table sku rename to sku_hidden");
      try {
        const problem = await problemOf(farm.client.call(routes.listSkus, {}));
        expect(problem.code).toBe("internal");
        expect(problem.message).not.toMatch(/sku/i);
      } finally {
        await database.pool.query("alter table sku_hidden rename to sku");
      }
    });
  });

  describe("idempotent creates", () => {
    const create = (name: string, key: string) =>
      fetch(`${farm.url}/v1/api-keys`, {
        method: "POST",
        headers: { ...asAdmin(), "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ name, scopes: ["run:read"] }),
      });
    const count = async (name: string) =>
      (await farm.client.call(routes.listApiKeys, { query: { limit: 500 } })).items.filter(
        (key) => key.name === name,
      ).length;

    it("happen once, also when they come at once, and give the same reply", async () => {
      const replies = await Promise.all(Array.from({ length: 5 }, () => create("once", "k-1")));
      const bodies = await Promise.all(replies.map((reply) => reply.text()));
      expect(replies.map((reply) => reply.status)).toEqual([201, 201, 201, 201, 201]);
      expect(new Set(bodies).size).toBe(1);
      expect(replies.filter((r) => r.headers.get("idempotency-replayed") === "true")).toHaveLength(
        4,
      );
      expect(await count("once")).toBe(1);
    });

    it("refuse another content under the same key", async () => {
      await create("first", "k-2");
      const reply = await create("second", "k-2");
      expect(reply.status).toBe(409);
      expect(await reply.json()).toMatchObject({ code: "idempotency_conflict" });
      expect(await count("second")).toBe(0);
    });

    it("may be tried again after a failure", async () => {
      const bad = await fetch(`${farm.url}/v1/orgs`, {
        method: "POST",
        headers: { ...asAdmin(), "content-type": "application/json", "idempotency-key": "k-3" },
        body: JSON.stringify({ slug: "local", name: "taken" }),
      });
      expect(bad.status).toBe(409);
      expect((await create("after", "k-3")).status).toBe(201);
      expect((await create("odd", "has space")).status).toBe(400);
    });
  });

  describe("agents", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const agentId = newId("agent");
    const clientOf = (key = privateKey, keyId = agentId) =>
      createClient({ baseUrl: farm.url, sign: createSigner({ privateKey: key, keyId }) });
    const fetchIt = (client: ReturnType<typeof clientOf>, sha256: string, headers = {}) =>
      client.open(routes.fetchArtifact, { params: { sha256 }, headers });

    beforeAll(async () => {
      await farm.database.prisma.agent.create({
        data: {
          id: agentId,
          orgId: farm.orgId,
          name: "test",
          publicKey: publicKeyText(privateKey),
          enrolmentId: newId("enrolment"),
          autoApprove: true,
          maxDevices: 1,
          agentVersion: "1",
          protocolVersion: 1,
        },
      });
    });

    it("are known by their signature and by nothing else", async () => {
      const sha256 = "a".repeat(64);
      expect((await problemOf(fetchIt(clientOf(), sha256))).code).toBe("not_found");
      const other = generateKeyPairSync("ed25519").privateKey;
      expect((await problemOf(fetchIt(clientOf(other), sha256))).code).toBe("signature_invalid");
      const unknown = clientOf(privateKey, newId("agent"));
      expect((await problemOf(fetchIt(unknown, sha256))).code).toBe("signature_invalid");
      const withKey = createClient({ baseUrl: farm.url, apiKey: farm.apiKey });
      expect((await problemOf(fetchIt(withKey, sha256))).code).toBe("signature_invalid");
      const asPerson = await fetch(`${farm.url}/v1/skus`, {
        headers: await createSigner({ privateKey, keyId: agentId })({
          method: "GET",
          url: new URL(`${farm.url}/v1/skus`),
          headers: {},
          body: undefined,
        }),
      });
      expect(asPerson.status).toBe(401);
    });

    it("fetch files whole and in parts", async () => {
      const { createHash, randomBytes } = await import("node:crypto");
      const bytes = randomBytes(200_000);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      await farm.client.open(routes.uploadArtifact, { params: { sha256 }, body: bytes });
      const whole = await fetchIt(clientOf(), sha256);
      expect(whole.headers.get("content-length")).toBe("200000");
      expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
      const etag = whole.headers.get("etag") as string;
      const rest = await fetchIt(clientOf(), sha256, { range: "bytes=150000-", "if-range": etag });
      expect(rest.status).toBe(206);
      expect(rest.headers.get("content-range")).toBe("bytes 150000-199999/200000");
      expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(150_000))).toBe(true);
      const changed = await fetchIt(clientOf(), sha256, { range: "bytes=1-", "if-range": '"x"' });
      expect(changed.status).toBe(200);
      await changed.arrayBuffer();
    });
  });

  describe("open pages", () => {
    it("tell health and metrics", async () => {
      expect((await get("/health/live")).status).toBe(200);
      let ready = await get("/health/ready");
      for (let n = 0; n < 100 && ready.status !== 200; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        ready = await get("/health/ready");
      }
      expect(await ready.json()).toEqual({
        status: "ok",
        checks: { database: { ok: true, detail: "migrated" }, queue: { ok: true, detail: "open" } },
      });
      await farm.client.call(routes.listSkus, {});
      const text = await (await get("/metrics")).text();
      expect(text).toMatch(
        /benchfarm_http_request_seconds_count\{.*method="GET",route="\/v1\/skus",status="200".*\} [1-9]/,
      );
      expect(text).toMatch(/benchfarm_outbox_rows\{.*\} 0/);
      expect(text).toMatch(/benchfarm_queue_messages\{.*state="waiting".*\} 0/);
      expect(text).toContain("process_resident_memory_bytes");
    });

    it("serve the API's description and a page without inline script", async () => {
      const document = await (await get("/v1/openapi.json")).json();
      expect(document).toEqual(JSON.parse(JSON.stringify(buildOpenApi())));
      const page = await get("/docs", { accept: "text/html" });
      const csp = page.headers.get("content-security-policy") as string;
      expect(csp).toContain("script-src 'self';");
      const html = await page.text();
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
      for (const [, url] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
        expect((await get(url as string)).status).toBe(200);
      }
      expect((await get("/docs/assets/package.json")).status).toBe(404);
      expect((await get("/docs/assets/../package.json")).status).toBe(404);
    });

    it("serve the dashboard, its pages by index.html, its hashed files for ever", async () => {
      const root = await get("/", { accept: "text/html" });
      expect(await root.text()).toContain("dash");
      expect(root.headers.get("cache-control")).toBe("no-cache");
      const page = await get("/matrix/cell/abc", { accept: "text/html" });
      expect(page.status).toBe(200);
      expect(await page.text()).toContain("dash");
      const asset = await get("/assets/index-Ab12Cd34.js");
      expect(asset.headers.get("cache-control")).toContain("immutable");
      const lost = await get("/assets/index-00000000.js", { accept: "text/html" });
      expect(lost.status).toBe(404);
      expect((await get("/v1/unknown", { accept: "text/html" })).status).toBe(404);
    });
  });

  it("lets anybody read, and only read, the org that the settings name", async () => {
    const open = await startTestFarm({
      replicaOf: farm,
      env: { BENCHFARM_ANONYMOUS_READ_ORG: "local", BENCHFARM_ROLE: "api" },
    });
    try {
      const anybody = open.clientWith(null);
      expect((await anybody.call(routes.readOwnOrg, {})).id).toBe(farm.orgId);
      const write = anybody.call(routes.createWorkload, {
        body: { promptTokens: 1, generatedTokens: 0 },
      });
      expect((await problemOf(write)).code).toBe("unauthenticated");
      expect((await problemOf(anybody.call(routes.listApiKeys, {}))).code).toBe("unauthenticated");
    } finally {
      await open.stop();
    }
  });

  it("as a worker answers for its health only", async () => {
    const worker = await startTestFarm({ replicaOf: farm, role: "worker" });
    try {
      expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
      const refused = await problemOf(worker.client.call(routes.listSkus, {}));
      expect(refused.code).toBe("unavailable");
    } finally {
      await worker.stop();
    }
  });

  it("survives a caller that hangs up in the middle of an upload", async () => {
    const sha256 = "b".repeat(64);
    await new Promise<void>((resolve) => {
      const upload = httpRequest(`${farm.url}/v1/artifacts/${sha256}`, {
        method: "PUT",
        headers: {
          ...asAdmin(),
          "content-type": "application/octet-stream",
          "content-length": "1000000",
        },
      });
      upload.on("error", () => undefined);
      upload.on("close", () => resolve());
      upload.write(Buffer.alloc(100_000), () => setTimeout(() => upload.destroy(), 50));
    });
    expect((await get("/health/live")).status).toBe(200);
    await expect(farm.client.open(routes.headArtifact, { params: { sha256 } })).rejects.toThrow();
  });
});
