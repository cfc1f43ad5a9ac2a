import { useEffect, useState } from "react";

/** The reader's wall clock in milliseconds since 1970, renewed every `everyMs` while the component is mounted. */
export function useNowMs(everyMs = 5000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
