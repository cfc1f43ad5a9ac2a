import { useSyncExternalStore } from "react";

const SLOT = "benchfarm.apiKey";
const listeners = new Set<() => void>();

/** The API key of this browser tab, or null; it lives in sessionStorage and goes with the tab. */
export function currentApiKey(): string | null {
  return sessionStorage.getItem(SLOT);
}

/** Sets the tab's API key, or forgets it with null. */
export function setApiKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(SLOT);
  else sessionStorage.setItem(SLOT, key);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useApiKey(): string | null {
  return useSyncExternalStore(subscribe, currentApiKey);
}
