/** Which of the two ramps: on light paper the best value is the darkest colour, on dark paper the brightest. */
export type RampTheme = "light" | "dark";

export interface CellColors {
  /** `#rrggbb` */
  background: string;
  /** Black or white, whichever reads better on `background`; at least 4.5:1 (WCAG 2.2 AA), as the better of the two always is. */
  text: "#000000" | "#ffffff";
}

interface Stop {
  lightness: number;
  chroma: number;
  hueDegrees: number;
}

const RAMPS: Record<RampTheme, { worst: Stop; best: Stop }> = {
  light: {
    worst: { lightness: 0.965, chroma: 0.012, hueDegrees: 205 },
    best: { lightness: 0.46, chroma: 0.112, hueDegrees: 248 },
  },
  dark: {
    worst: { lightness: 0.285, chroma: 0.025, hueDegrees: 250 },
    best: { lightness: 0.81, chroma: 0.09, hueDegrees: 212 },
  },
};

/** OKLCH to gamma-coded sRGB channels, 0 to 1, clipped to the gamut. Matrices: B. Ottosson, "A perceptual color space" (2020). */
export function oklchToRgb(
  lightness: number,
  chroma: number,
  hueDegrees: number,
): [number, number, number] {
  const hue = (hueDegrees * Math.PI) / 180;
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ] as const;
  const coded = (v: number) => {
    const clipped = Math.min(1, Math.max(0, v));
    return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
  };
  return [coded(linear[0]), coded(linear[1]), coded(linear[2])];
}

/** Relative luminance of a `#rrggbb` colour after WCAG 2.2, 0 to 1. */
export function relativeLuminance(hex: string): number {
  const channel = (at: number) => {
    const v = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** Contrast ratio of two `#rrggbb` colours after WCAG 2.2, 1 to 21. */
export function contrastRatio(one: string, other: string): number {
  const a = relativeLuminance(one);
  const b = relativeLuminance(other);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/**
 * The colour of a value's place `position` in its group: 0 is the worst, 1 the best; values outside are clamped. Lightness, chroma and
 * hue go in straight lines through OKLCH, so equal steps of `position` look equally large, and lightness alone carries the order (it
 * reads without colour vision and in grey print).
 */
export function rampColors(theme: RampTheme, position: number): CellColors {
  const t = Math.min(1, Math.max(0, position));
  const { worst, best } = RAMPS[theme];
  const at = (key: keyof Stop) => worst[key] + t * (best[key] - worst[key]);
  const channels = oklchToRgb(at("lightness"), at("chroma"), at("hueDegrees"));
  const background = `#${channels
    .map((v) =>
      Math.round(v * 255)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
  const text =
    contrastRatio(background, "#000000") >= contrastRatio(background, "#ffffff")
      ? "#000000"
      : "#ffffff";
  return { background, text };
}
