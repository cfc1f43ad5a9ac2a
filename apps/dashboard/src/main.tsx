import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { z } from "zod";
import "./design/styles.css";
import { applyKeptTheme } from "./design/theme.js";

// Before any schema is made, so the app (and with it the contracts) is imported after this: zod otherwise probes `new Function`, which a
// content security policy without unsafe-eval reports as a violation.
z.config({ jitless: true });
applyKeptTheme();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
const { App } = await import("./app.js");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
