import { contrastRatio, oklchToRgb, rampColors, relativeLuminance } from "./color-ramp.js";

const steps = Array.from({ length: 101 }, (_, i) => i / 100);

describe.each(["light", "dark"] as const)("the %s ramp", (theme) => {
  it("keeps text readable on every colour (WCAG AA)", () => {
    for (const t of steps) {
      const { background, text } = rampColors(theme, t);
      expect(contrastRatio(background, text)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("orders by luminance alone, darker is better on light paper and brighter on dark", () => {
    const luminances = steps.map((t) => relativeLuminance(rampColors(theme, t).background));
    for (let i = 1; i < luminances.length; i += 1) {
      const step = luminances[i]! - luminances[i - 1]!;
      if (theme === "light") expect(step).toBeLessThan(0);
      else expect(step).toBeGreaterThan(0);
    }
  });

  it("clamps what lies outside", () => {
    expect(rampColors(theme, -3)).toEqual(rampColors(theme, 0));
    expect(rampColors(theme, 7)).toEqual(rampColors(theme, 1));
  });
});

it("converts OKLCH as the definition's own examples say", () => {
  expect(oklchToRgb(1, 0, 0).map((v) => Math.round(v * 255))).toEqual([255, 255, 255]);
  expect(oklchToRgb(0, 0, 0)).toEqual([0, 0, 0]);
  const red = oklchToRgb(0.6279553606, 0.2576833077, 29.2338851923);
  expect(red.map((v) => Math.round(v * 255))).toEqual([255, 0, 0]);
});

it("knows the contrast of black and white", () => {
  expect(contrastRatio("#000000", "#ffffff")).toBeCloseTo(21, 5);
});
