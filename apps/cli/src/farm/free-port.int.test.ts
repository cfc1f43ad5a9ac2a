import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { requireFreePort } from "./free-port.js";

test("a taken port is named together with its setting; a free one passes", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await expect(requireFreePort("127.0.0.1", port)).rejects.toThrow(
    new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken.*BENCHFARM_PORT`),
  );
  await new Promise((done) => server.close(done));
  await expect(requireFreePort("127.0.0.1", port)).resolves.toBeUndefined();
});
