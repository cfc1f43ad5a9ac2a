import { createClient, routes } from "@benchfarm/contracts";
import { useState } from "react";
import { currentApiKey } from "../farm/api-key.js";
import { explainError } from "../farm/explain-error.js";

const FORMATS = [
  { label: "CSV", type: "text/csv", file: "matrix.csv" },
  { label: "Markdown", type: "text/markdown", file: "matrix.md" },
] as const;

/** Downloads of the matrix as it is asked now, from the same address by content negotiation. */
export function ExportLinks({ query }: { query: Record<string, unknown> }) {
  const [problem, setProblem] = useState<string | null>(null);
  const download = async (format: (typeof FORMATS)[number]) => {
    setProblem(null);
    const apiKey = currentApiKey();
    const client = createClient({
      baseUrl: window.location.origin,
      ...(apiKey === null ? {} : { apiKey }),
    });
    const response = await client.open(routes.readMatrix, {
      query,
      headers: { accept: format.type },
    });
    const address = URL.createObjectURL(await response.blob());
    const link = document.createElement("a");
    link.href = address;
    link.download = format.file;
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <p className="exports">
      <span className="quiet">This matrix as </span>
      {FORMATS.map((format) => (
        <button
          key={format.file}
          type="button"
          className="link"
          onClick={() => {
            download(format).catch((error: unknown) => setProblem(explainError(error).detail));
          }}
        >
          {format.label}
        </button>
      ))}
      {problem !== null && <span role="alert"> {problem}</span>}
    </p>
  );
}
