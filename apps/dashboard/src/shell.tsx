import { Suspense } from "react";
import { NavLink, Outlet } from "react-router";
import { setThemeChoice, useThemeChoice, type ThemeChoice } from "./design/theme.js";
import { setApiKey, useApiKey } from "./farm/api-key.js";
import { Skeleton } from "./farm/loaded.js";

const PAGES = [
  { to: "/", label: "Matrix" },
  { to: "/sweeps", label: "Sweeps" },
  { to: "/devices", label: "Devices" },
];
const THEMES: { choice: ThemeChoice; label: string }[] = [
  { choice: "auto", label: "Auto" },
  { choice: "light", label: "Light" },
  { choice: "dark", label: "Dark" },
];

/** The frame of every page: name, pages, theme, key. */
export function Shell() {
  const theme = useThemeChoice();
  const apiKey = useApiKey();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="top">
        <NavLink to="/" className="brand" aria-label="Benchfarm, to the matrix">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          <span>Benchfarm</span>
        </NavLink>
        <nav aria-label="Pages">
          {PAGES.map(({ to, label }) => (
            <NavLink key={to} to={to} end={to === "/"}>
              {label}
            </NavLink>
          ))}
          <a href="/docs">API</a>
        </nav>
        <div className="top-end">
          {apiKey !== null && (
            <button type="button" className="small" onClick={() => setApiKey(null)}>
              Forget API key
            </button>
          )}
          <div className="segments" role="radiogroup" aria-label="Colour theme">
            {THEMES.map(({ choice, label }) => (
              <label key={choice}>
                <input
                  type="radio"
                  name="theme"
                  value={choice}
                  checked={theme === choice}
                  onChange={() => setThemeChoice(choice)}
                  data-testid={`theme-${choice}`}
                />
                <span>{label}</span>
              </label>
            ))}
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<Skeleton />}>
          <Outlet />
        </Suspense>
      </main>
    </>
  );
}
