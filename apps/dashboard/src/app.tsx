import { QueryClientProvider } from "@tanstack/react-query";
import { lazy } from "react";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { queryClient } from "./farm/farm-query.js";
import { MatrixPage } from "./matrix/matrix-page.js";
import { Shell } from "./shell.js";

const CellPage = lazy(async () => ({ default: (await import("./result/cell-page.js")).CellPage }));
const SweepsPage = lazy(async () => ({
  default: (await import("./sweep/sweeps-page.js")).SweepsPage,
}));
const SweepPage = lazy(async () => ({
  default: (await import("./sweep/sweep-page.js")).SweepPage,
}));
const DevicesPage = lazy(async () => ({
  default: (await import("./device/devices-page.js")).DevicesPage,
}));
const DevicePage = lazy(async () => ({
  default: (await import("./device/device-page.js")).DevicePage,
}));
const RunPage = lazy(async () => ({ default: (await import("./run/run-page.js")).RunPage }));

function NoSuchPage() {
  return (
    <section className="panel">
      <h1>There is no such page</h1>
      <p>
        Go to <Link to="/">the matrix</Link>, <Link to="/sweeps">the sweeps</Link> or{" "}
        <Link to="/devices">the devices</Link>.
      </p>
    </section>
  );
}

/** The whole dashboard: its pages under their addresses. */
export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <BrowserRouter>
        <Routes>
          <Route element={<Shell />}>
            <Route index element={<MatrixPage />} />
            <Route path="cells/:key" element={<CellPage />} />
            <Route path="sweeps" element={<SweepsPage />} />
            <Route path="sweeps/:id" element={<SweepPage />} />
            <Route path="devices" element={<DevicesPage />} />
            <Route path="devices/:id" element={<DevicePage />} />
            <Route path="runs/:id" element={<RunPage />} />
            <Route path="*" element={<NoSuchPage />} />
          </Route>
        </Routes>
      </BrowserRouter>
    </QueryClientProvider>
  );
}
