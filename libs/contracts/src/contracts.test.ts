import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, routePath, ServerProblem, UnreachableError } from "./client.js";
import { idSchema, newId } from "./id.js";
import { MatrixQuery } from "./matrix.js";
import { Problem } from "./problem.js";
import { routes } from "./routes.js";
import { WorkloadSpec, workloadKind, workloadName } from "./catalogue.js";
import { UpdateDevice } from "./device.js";

test("ids carry their kind, sort by creation and are checked by their schema", () => {
  const first = newId("run");
  expect(idSchema("run").parse(first)).toBe(first);
  expect(idSchema("device").safeParse(first).success).toBe(false);
});

test("no two routes answer the same request, and every path parameter has a schema", () => {
  const places = Object.values(routes).map((route) => `${route.method} ${route.path}`);
  expect(new Set(places).size).toBe(places.length);
  for (const route of Object.values(routes)) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const shape =
      "params" in route && "shape" in route.params ? Object.keys(route.params.shape) : [];
    expect({ path: route.path, names }).toEqual({ path: route.path, names: shape });
  }
});

test("workloads are named as llama-bench names its tests", () => {
  const name = (spec: object) =>
    workloadName(WorkloadSpec.parse({ promptTokens: 0, generatedTokens: 0, ...spec }));
  expect(name({ promptTokens: 512 })).toBe("pp512");
  expect(name({ generatedTokens: 128, depthTokens: 4096 })).toBe("tg128@d4096");
  expect(name({ promptTokens: 512, generatedTokens: 128 })).toBe("pp512+tg128");
  expect(workloadKind({ promptTokens: 0, generatedTokens: 1 })).toBe("decode");
  expect(WorkloadSpec.safeParse({ promptTokens: 0, generatedTokens: 0 }).success).toBe(false);
});

test("taking a device out of service demands a reason", () => {
  expect(UpdateDevice.safeParse({ quarantine: "manual" }).success).toBe(false);
  expect(UpdateDevice.safeParse({ lifecycle: "retired" }).success).toBe(false);
  expect(UpdateDevice.safeParse({ quarantine: "manual", reason: "screen broken" }).success).toBe(
    true,
  );
  expect(UpdateDevice.safeParse({ lifecycle: "active" }).success).toBe(true);
});

test("a matrix query reads comma-separated dimensions and refuses others", () => {
  expect(MatrixQuery.parse({ rows: "sku, quant" }).rows).toEqual(["sku", "quant"]);
  expect(MatrixQuery.safeParse({ rows: "colour" }).success).toBe(false);
});

describe("client", () => {
  let server: Server;
  let baseUrl: string;
  beforeAll((done) => {
    server = createServer((request, response) => {
      if (request.url === "/v1/orgs/self") {
        const body = new Problem("missing_scope", "ask an administrator for matrix:read").toBody(
          "r1",
        );
        response.writeHead(403, { "content-type": "application/problem+json", "retry-after": "3" });
        response.end(JSON.stringify(body));
        return;
      }
      response.writeHead(502).end("<html>proxy</html>");
    });
    server.listen(0, "127.0.0.1", () => {
      baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  afterAll((done) => {
    server.close(done);
  });

  test("an answered problem is thrown with its code and how long to wait", async () => {
    const error = await createClient({ baseUrl })
      .call(routes.readOwnOrg, {})
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ServerProblem);
    expect(error).toMatchObject({ code: "missing_scope", retryAfterMs: 3000 });
  });

  test("an answer that is not the farm's is said to be so", async () => {
    const error = await createClient({ baseUrl })
      .call(routes.listSkus, {})
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnreachableError);
    expect((error as Error).message).toContain("502");
  });

  test("path parameters are escaped", () => {
    expect(routePath(routes.readRun, { id: "a/b" })).toBe("/v1/runs/a%2Fb");
  });
});
