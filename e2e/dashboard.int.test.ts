import { existsSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@benchfarm/contracts";
import { chromium, type Browser, type Page } from "playwright-core";
import * as dashboard from "./dashboard-page-object.js";
import {
  addModel,
  createSweep,
  deviceOf,
  runsOf,
  startLiveFarm,
  until,
  type LiveFarm,
} from "./live-farm.js";

jest.setTimeout(240_000);

const EXECUTABLE = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));
const SHOTS = process.env["BENCHFARM_SHOTS_DIR"];
const describeWithBrowser = EXECUTABLE === undefined ? describe.skip : describe;

describeWithBrowser("the dashboard in a real browser", () => {
  let farm: LiveFarm;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    farm = await startLiveFarm();
    browser = await chromium.launch({
      executablePath: EXECUTABLE as string,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await farm?.stop();
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(15_000);
    complaints = dashboard.collectComplaints(page);
  });
  afterEach(async () => {
    await page.close();
  });
  const shoot = async (name: string) => {
    if (SHOTS !== undefined)
      await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  };

  test("says how to begin while there is nothing", async () => {
    expect(await dashboard.openMatrix(page, farm.url)).toBe("empty");
    expect(await page.getByTestId("no-cells").innerText()).toContain("npm run demo");
    await shoot("real-empty");
    expect(complaints).toEqual([]);
  });

  test("shows measured cells, filters them and leads to their evidence", async () => {
    await farm.startAgent();
    await deviceOf(farm);
    const quants = [await addModel(farm, "Q8_0"), await addModel(farm, "Q4_0")];
    const sweep = await createSweep(
      farm,
      quants.map((quant) => quant.id),
      [
        { promptTokens: 16, repetitions: 3, warmupRepetitions: 1 },
        { generatedTokens: 8, repetitions: 3, warmupRepetitions: 1 },
      ],
    );
    await page.goto(`${farm.url}/sweeps/${sweep.id}`);
    await page.getByTestId("runs-table").waitFor();
    await shoot("real-sweep-running");
    await runsOf(farm, sweep);
    await until("the cells to be folded", async () => {
      const matrix = await farm.client.call(routes.readMatrix, {});
      const measured = matrix.cells.flat().filter((cell) => cell.status === "measured");
      return measured.length === 2 ? true : null;
    });
    await page.getByTestId("runs-table").getByText("succeeded").nth(3).waitFor();
    await shoot("real-sweep");

    expect(await dashboard.openMatrix(page, farm.url)).toBe("grid");
    await shoot("real-matrix");
    const cells = await dashboard.readCells(page);
    expect(cells.map((cell) => cell.status)).toEqual(["measured", "measured"]);
    for (const cell of cells) {
      expect(cell.value).toBeGreaterThan(0);
      expect(cell.text).toContain("tok/s");
      expect(cell.text).toContain("syn");
      expect(cell.label).toContain("synthetic weights");
    }
    expect(await dashboard.hoverCell(page, 0, 0)).toContain("n 3");

    await dashboard.filter(page, "quant", ["Q4_0"]);
    expect((await dashboard.readCells(page)).map((cell) => cell.row.includes("Q4_0"))).toEqual([
      true,
    ]);
    expect(page.url()).toContain("quant=");
    await page.reload();
    expect(await dashboard.readCells(page).then((list) => list.length)).toBeLessThanOrEqual(1);
    await dashboard.clearFilters(page);

    await dashboard.chooseMetric(page, "prefillTokensPerSecond");
    await dashboard.focusGrid(page);
    const second = await dashboard.pressKeys(page, "ArrowDown");
    expect(second?.row).not.toBe(cells[0]?.row);
    await page.keyboard.press("Enter");
    await dashboard.waitForCellPage(page);
    expect(page.url()).toContain(second?.key ?? "nothing was focused");
    const shown = await dashboard.readCellPage(page);
    expect(shown).toMatchObject({ measuredDots: 3, warmupDots: 1, repetitionRows: 4 });
    expect(shown.backends.join()).toContain("ran on cpu");
    expect(shown.commands.length).toBeGreaterThan(1);
    await shoot("real-cell");
    for (const path of ["/devices", "/sweeps"]) {
      await page.goto(farm.url + path);
      await page.locator("table.data tbody tr").first().waitFor();
      await shoot(`real${path.replace("/", "-")}`);
      await page.locator("table.data tbody a").first().click();
      await page.locator("h1").waitFor();
      await page.getByTestId("runs-table").waitFor();
      await shoot(`real${path.replace("/", "-")}-one`);
    }
    await page.getByTestId("runs-table").locator("a").first().click();
    await page.getByTestId("attempts-table").waitFor();
    await shoot("real-run");
    expect(complaints).toEqual([]);
  });

  test("fits a phone, in light and dark", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await dashboard.openMatrix(page, farm.url);
    for (const theme of ["light", "dark"] as const) {
      await dashboard.setTheme(page, theme);
      expect(await dashboard.overflowsSideways(page)).toBe(false);
      await shoot(`real-360-${theme}`);
    }
    await dashboard.chooseView(page, "canvas");
    expect(await dashboard.overflowsSideways(page)).toBe(false);
    await shoot("real-360-canvas");
    expect(complaints).toEqual([]);
  });
});
