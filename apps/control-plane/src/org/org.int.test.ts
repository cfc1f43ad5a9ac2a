import { routes, ServerProblem } from "@benchfarm/contracts";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";

const problemOf = async (call: Promise<unknown>) => {
  try {
    await call;
  } catch (error) {
    if (error instanceof ServerProblem) return error;
    throw error;
  }
  throw new Error("expected a problem");
};

describe("orgs and API keys", () => {
  let farm: TestFarm;
  beforeAll(async () => {
    farm = await startTestFarm();
  });
  afterAll(() => farm.stop());

  it("create keys that work with their scopes only, until they are revoked", async () => {
    const { apiKey, secret } = await farm.client.call(routes.createApiKey, {
      body: { name: "ci", scopes: ["matrix:read"] },
    });
    expect(secret).toMatch(/^bf_[A-Za-z0-9_-]{43}$/);
    const client = farm.clientWith(secret);
    const org = await client.call(routes.readOwnOrg, {});
    expect(org).toMatchObject({ id: farm.orgId, slug: "local" });
    expect((await problemOf(client.call(routes.listApiKeys, {}))).code).toBe("missing_scope");
    const listed = await farm.client.call(routes.listApiKeys, {});
    expect(listed.items.find((key) => key.id === apiKey.id)?.lastUsedAt).not.toBeNull();
    expect(JSON.stringify(listed)).not.toContain(secret);

    await farm.client.call(routes.revokeApiKey, { params: { id: apiKey.id } });
    const refused = await problemOf(client.call(routes.readOwnOrg, {}));
    expect(refused.code).toBe("unauthenticated");
  });
});
