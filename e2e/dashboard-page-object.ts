import type { Locator, Page } from "playwright-core";

/** One cell as the grid shows it. */
export interface ShownCell {
  row: string;
  column: string;
  /** `measured`, `failed`, `held`, `several`, `pending`, `empty` or `not_applicable`. */
  status: string;
  /** The number behind the text, or null where there is none. */
  value: number | null;
  /** What stands in the cell. */
  text: string;
  /** The whole sentence that a screen reader gets. */
  label: string;
  /** The comparison key's digest that Enter and a click lead to; null where there is no cell to open. */
  key: string | null;
}

export type FilterName = "sku" | "model" | "quant" | "engine" | "backend" | "workload";

/**
 * Opens the matrix and waits until it has settled: a grid, a canvas, a message that there is nothing, or a problem. `query` is the
 * address's own, such as `metric=prefillTokensPerSecond&view=canvas`. Returns which it was.
 */
export async function openMatrix(
  page: Page,
  baseUrl: string,
  query = "",
): Promise<"grid" | "canvas" | "empty" | "problem"> {
  await page.goto(`${baseUrl}/${query === "" ? "" : `?${query}`}`);
  return settled(page);
}

async function settled(page: Page): Promise<"grid" | "canvas" | "empty" | "problem"> {
  const states = [
    ["grid", "matrix-grid"],
    ["canvas", "matrix-canvas"],
    ["empty", "no-cells"],
    ["empty", "no-match"],
    ["problem", "problem"],
    ["problem", "api-key-form"],
  ] as const;
  const any = states.map(([, id]) => page.getByTestId(id)).reduce((a, b) => a.or(b));
  await any.first().waitFor();
  for (const [state, id] of states) {
    if (await page.getByTestId(id).first().isVisible()) return state;
  }
  throw new Error("the matrix page changed while it was looked at");
}

const cellsOf = (page: Page) => page.getByTestId("matrix-cell");

async function readCell(cell: Locator): Promise<ShownCell> {
  const attribute = (name: string) => cell.getAttribute(name);
  const value = await attribute("data-value");
  return {
    row: (await attribute("data-row")) ?? "",
    column: (await attribute("data-column")) ?? "",
    status: (await attribute("data-status")) ?? "",
    value: value === null ? null : Number(value),
    text: await cell.innerText(),
    label: (await attribute("aria-label")) ?? "",
    key: await attribute("data-key"),
  };
}

/** Every cell of the grid, row by row. */
export async function readCells(page: Page): Promise<ShownCell[]> {
  const cells = await cellsOf(page).all();
  return Promise.all(cells.map(readCell));
}

/** The cell that has the keyboard's focus, or null. */
export async function readFocusedCell(page: Page): Promise<ShownCell | null> {
  const focused = page.locator('[data-testid="matrix-cell"]:focus');
  return (await focused.count()) === 0 ? null : readCell(focused);
}

/** Chooses a metric by its id and waits for the matrix of it. */
export async function chooseMetric(page: Page, metric: string): Promise<void> {
  const answered = page.waitForResponse(
    (response) => response.url().includes("/v1/matrix") && response.url().includes(metric),
  );
  await page.getByTestId("metric").selectOption(metric);
  await answered;
  await settled(page);
}

/** Ticks (or, when ticked, unticks) the choices with these labels in one filter, and waits for the answer. */
export async function filter(page: Page, name: FilterName, labels: string[]): Promise<void> {
  await unfoldFilters(page);
  const menu = page.getByTestId(`filter-${name}`);
  await menu.locator("summary").click();
  for (const label of labels) {
    const answered = page.waitForResponse((response) => response.url().includes("/v1/matrix"));
    await menu.locator(`[data-label="${label}"]`).click();
    await answered;
  }
  await page.keyboard.press("Escape");
  await settled(page);
}

/** Takes every filter off again. */
export async function clearFilters(page: Page): Promise<void> {
  await unfoldFilters(page);
  await page.getByTestId("clear-filters").click();
  await settled(page);
}

/** On a narrow screen the filters are folded away; elsewhere this does nothing. */
async function unfoldFilters(page: Page): Promise<void> {
  const folded = page.getByTestId("filters");
  if ((await folded.count()) > 0 && (await folded.getAttribute("open")) === null) {
    await folded.locator(":scope > summary").click();
  }
}

/** Switches between the HTML grid and the canvas. */
export async function chooseView(page: Page, view: "grid" | "canvas"): Promise<void> {
  await page.getByTestId(`view-${view}`).click({ force: true });
  await page.getByTestId(`matrix-${view}`).waitFor();
}

/** Sets the colour theme with the page's own switch. */
export async function setTheme(page: Page, theme: "auto" | "light" | "dark"): Promise<void> {
  await page.getByTestId(`theme-${theme}`).click({ force: true });
}

/** Puts the keyboard's focus on the grid's one tab stop. */
export async function focusGrid(page: Page): Promise<void> {
  await page.locator('[data-testid="matrix-cell"][tabindex="0"]').focus();
}

/** Presses keys one after the other (`ArrowDown`, `Control+End`, `Enter`) and returns the cell that has the focus then, if any. */
export async function pressKeys(page: Page, ...keys: string[]): Promise<ShownCell | null> {
  for (const key of keys) {
    await page.keyboard.press(key);
    // The grid moves the focus in the next frame, after the row's page has been drawn.
    await page.waitForTimeout(60);
  }
  return readFocusedCell(page);
}

/** Hovers the cell at this row and column (0 is the first) and returns the tooltip's text. */
export async function hoverCell(page: Page, row: number, column: number): Promise<string> {
  await page.locator(`[data-testid="matrix-cell"][data-r="${row}"][data-c="${column}"]`).hover();
  const tooltip = page.getByTestId("cell-tooltip");
  await tooltip.waitFor();
  return tooltip.innerText();
}

/** Opens a cell by a click and waits for its page. */
export async function openCell(page: Page, key: string): Promise<void> {
  await page.locator(`[data-testid="matrix-cell"][data-key="${key}"]`).first().click();
  await page.waitForURL(`**/cells/${key}`);
  await waitForCellPage(page);
}

/** Waits until the cell page shows its key, its numbers or its failure. */
export async function waitForCellPage(page: Page): Promise<void> {
  await page.getByTestId("key-fields").waitFor();
}

/** What the cell page tells: its heading, the rows of its metrics, its dots, and the commands that reproduce it. */
export async function readCellPage(page: Page): Promise<{
  heading: string;
  metrics: string[];
  measuredDots: number;
  warmupDots: number;
  repetitionRows: number;
  backends: string[];
  commands: string[];
}> {
  const content = page.getByTestId("cell-page");
  return {
    heading: await content.locator("h1").innerText(),
    metrics: await page.getByTestId("cell-metrics").locator("tbody tr").allInnerTexts(),
    measuredDots: await page.locator('[data-testid="strip-plot"] .strip-dot:not(.warmup)').count(),
    warmupDots: await page.locator('[data-testid="strip-plot"] .strip-dot.warmup').count(),
    repetitionRows: await page.getByTestId("repetitions").locator("tbody tr").count(),
    backends: await page.getByTestId("backends").allTextContents(),
    commands: await page.getByTestId("reproduce").locator("pre").allInnerTexts(),
  };
}

/** Whether the page is wider than the window, which on a phone means that it scrolls sideways as a whole. */
export async function overflowsSideways(page: Page): Promise<boolean> {
  return (await page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  )) as boolean;
}

/** Collects what the browser complains about from now on: errors on the console and exceptions nobody caught. */
export function collectComplaints(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return complaints;
}
