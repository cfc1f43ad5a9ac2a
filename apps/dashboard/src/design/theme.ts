import { useSyncExternalStore } from "react";

/** What the reader chose; `auto` follows the system. */
export type ThemeChoice = "auto" | "light" | "dark";

const SLOT = "benchfarm.theme";
const listeners = new Set<() => void>();

function readChoice(): ThemeChoice {
  const text = localStorage.getItem(SLOT);
  return text === "light" || text === "dark" ? text : "auto";
}

function apply(choice: ThemeChoice): void {
  if (choice === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choice;
}

const systemDark = () => window.matchMedia("(prefers-color-scheme: dark)");

function subscribe(listener: () => void) {
  listeners.add(listener);
  const media = systemDark();
  media.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    media.removeEventListener("change", listener);
  };
}

/** Puts the kept choice in force; called once before the first paint. */
export function applyKeptTheme(): void {
  apply(readChoice());
}

export function setThemeChoice(choice: ThemeChoice): void {
  if (choice === "auto") localStorage.removeItem(SLOT);
  else localStorage.setItem(SLOT, choice);
  apply(choice);
  for (const listener of listeners) listener();
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, readChoice);
}

/** The theme in force after the choice and the system. */
export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(subscribe, () => {
    const choice = readChoice();
    if (choice !== "auto") return choice;
    return systemDark().matches ? "dark" : "light";
  });
}
