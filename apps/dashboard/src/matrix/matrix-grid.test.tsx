import { renderToStaticMarkup } from "react-dom/server";
import { MemoryRouter } from "react-router";
import { aCell, aHead, aMatrix } from "./matrix.fixture.js";
import { MatrixGrid } from "./matrix-grid.js";
import { matrixScale } from "./scale-groups.js";

const key = "a".repeat(64);
const matrix = aMatrix(
  [aHead({ model: "Qwen", quant: "F16" }), aHead({ model: "Qwen", quant: "Q4_0" })],
  [aHead({ sku: "A", backend: "cpu" }), aHead({ sku: "A", backend: "vulkan" })],
  [
    [
      aCell({ value: 41.26, n: 5, resultCount: 1, cellKey: key, weights: "synthetic" }),
      aCell({ status: "failed", detail: "out_of_memory: 9 GiB", cellKey: key, simulated: true }),
    ],
    [aCell({ status: "pending" }), aCell({ detail: "nobody has asked for this yet" })],
  ],
);

const render = (narrow: boolean) =>
  renderToStaticMarkup(
    <MemoryRouter>
      <MatrixGrid
        matrix={matrix}
        scale={matrixScale(matrix)}
        theme="light"
        narrow={narrow}
        onOpen={() => undefined}
      />
    </MemoryRouter>,
  );
const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

it("is one grid with one tab stop, every cell with words of its own", () => {
  const html = render(false);
  expect(count(html, /role="grid"/g)).toBe(1);
  expect(count(html, /role="gridcell"/g)).toBe(4);
  expect(count(html, /role="gridcell" tabindex="0"/g)).toBe(1);
  expect(count(html, /<td role="gridcell"[^>]* aria-label="[^"]{8,}"/g)).toBe(4);
  expect(html).toContain("nobody has asked for this yet");
});

it("says a constant dimension once and spans the heads of equal rows", () => {
  const html = render(false);
  expect(html).toContain("Every row: model Qwen.");
  expect(html).toContain("Every column: sku A.");
  expect(count(html, /<th scope="row"/g)).toBe(2);
});

it("labels synthetic weights and simulated devices, and links only cells that exist", () => {
  const html = render(true);
  expect(count(html, />syn</g)).toBe(1);
  expect(count(html, />sim</g)).toBe(1);
  expect(count(html, new RegExp(`href="/cells/${key}"`, "g"))).toBe(2);
  expect(html).toMatch(/41\.3.*tok\/s/);
  expect(html).toContain("memory");
});
