import { canvasFrame, canvasPoints, STATUS_COLORS } from "./canvas-points.js";
import { contrastRatio } from "./color-ramp.js";
import { placeTooltip } from "./cell-tooltip-place.js";
import { aCell, aHead, aMatrix } from "./matrix.fixture.js";
import { matrixScale } from "./scale-groups.js";

it("keeps the words on cells without a number readable (WCAG AA)", () => {
  for (const theme of ["light", "dark"] as const) {
    for (const { background, text } of Object.values(STATUS_COLORS[theme])) {
      expect(contrastRatio(background, text)).toBeGreaterThanOrEqual(4.5);
    }
  }
});

it("makes one point per cell and gives cells without a number no place on the scale", () => {
  const matrix = aMatrix(
    [aHead({ quant: "Q4_0" })],
    [aHead({ sku: "A" }), aHead({ sku: "B" })],
    [[aCell({ value: 12 }), aCell({ status: "failed", detail: "timed_out: 600 s" })]],
  );
  const points = canvasPoints(matrix, matrixScale(matrix), "light");
  expect(points.map((p) => [p.value[0], p.value[1], p.text])).toEqual([
    [0, 0, "12.0"],
    [1, 0, "timed_out"],
  ]);
  expect(points[1]?.itemStyle.color).toBe(STATUS_COLORS.light.failed.background);
});

it("never draws cells too small to hit, and shows all where there is room", () => {
  const names = (count: number) =>
    Array.from({ length: count }, (_, i) => `A name of some length ${i}`);
  const wide = canvasFrame(1100, names(40), names(60));
  expect(wide.columnsPercent).toBe(100);
  expect(wide.rowsPercent).toBe(100);
  const phone = canvasFrame(340, names(40), names(60));
  const room = 340 - phone.left - 30;
  expect(room / ((60 * phone.columnsPercent) / 100)).toBeGreaterThanOrEqual(14);
  expect(wide.upright).toBe(true);
  expect(canvasFrame(1100, names(1000), names(200)).rowsPercent).toBeLessThan(10);
  expect(canvasFrame(1100, names(6), ["cpu", "vulkan"])).toMatchObject({ upright: false, top: 34 });
});

it("keeps the tooltip inside the viewport, below its cell or else above", () => {
  const size = { width: 200, height: 100 };
  const viewport = { width: 360, height: 640 };
  const at = (left: number, top: number) =>
    placeTooltip({ left, top, right: left + 40, bottom: top + 20 }, size, viewport);
  expect(at(150, 100)).toEqual({ left: 70, top: 126 });
  expect(at(0, 100).left).toBe(6);
  expect(at(330, 100).left).toBe(154);
  expect(at(150, 600).top).toBe(494);
});
