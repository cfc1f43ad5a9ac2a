import { useEffect } from "react";

/** Sets the browser's title to `title · Benchfarm`. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Benchfarm" : `${title} · Benchfarm`;
  }, [title]);
}
