import { open, stat, type FileHandle } from "node:fs/promises";
import { routes, ServerProblem, type Client } from "@benchfarm/contracts";
import { AgentFailure, isOutOfSpace, systemErrorCode } from "./agent-failure.js";
import { BackOff } from "./back-off.js";
import type { Clock } from "./clock.js";

/** Attempts in a row that brought no byte, after which a download is given up. */
const FRUITLESS_ATTEMPTS = 6;

export interface Download {
  client: Client;
  clock: Clock;
  sha256: string;
  sizeBytes: number;
  /** Grows across attempts and across restarts of the agent. */
  partialPath: string;
  signal: AbortSignal;
}

const sizeOf = async (path: string) => (await stat(path).catch(() => null))?.size ?? 0;

/**
 * Fetches a file's bytes from the farm into `partialPath`, going on where an earlier attempt was cut (RFC 9110 range requests).
 * Resolves when the file has `sizeBytes` bytes; whether they are the right ones is for the caller to check. Rejects with an
 * AgentFailure, or with the signal's reason.
 */
export async function downloadArtifact(download: Download): Promise<void> {
  const { partialPath, sizeBytes, signal } = download;
  const backOff = new BackOff(download.clock);
  let fruitless = 0;
  while (true) {
    signal.throwIfAborted();
    const had = await sizeOf(partialPath);
    if (had === sizeBytes) return;
    let retryAfterMs = 0;
    let reason: string;
    try {
      await downloadPiece(download, had);
      reason = "the connection was closed early";
    } catch (error) {
      signal.throwIfAborted();
      if (isOutOfSpace(error)) throw noRoom(sizeBytes, error);
      if (error instanceof AgentFailure) throw error;
      if (error instanceof ServerProblem) {
        if (error.status < 500 && error.code !== "too_many_requests") {
          throw new AgentFailure(
            "artifact_unavailable",
            `the farm does not give the model file: ${error.message}`,
            { cause: error },
          );
        }
        retryAfterMs = error.retryAfterMs ?? 0;
      } else if (FOLDER_FAULTS.has(systemErrorCode(error) ?? "")) {
        throw new AgentFailure(
          "agent_failed",
          `the artifact cache cannot be written: ${messageOf(error)}`,
          { cause: error },
        );
      }
      reason = messageOf(error);
    }
    const has = await sizeOf(partialPath);
    if (has === sizeBytes) return;
    if (has > had) {
      fruitless = 0;
      backOff.reset();
    } else {
      fruitless += 1;
    }
    if (fruitless >= FRUITLESS_ATTEMPTS) {
      throw new AgentFailure(
        "artifact_unavailable",
        `the model file could not be fetched, ${has} of ${sizeBytes} bytes are here: ${reason}`,
      );
    }
    await backOff.wait(signal, retryAfterMs);
  }
}

/** What a folder says that cannot be written to, however often it is tried. */
const FOLDER_FAULTS = new Set(["EACCES", "EPERM", "EROFS", "EISDIR", "ENOTDIR", "EIO"]);

const messageOf = (error: unknown) =>
  String((error as { message?: unknown } | null | undefined)?.message ?? error);

/** One request: appends to what is there, or starts over when the farm sends the whole. */
async function downloadPiece(download: Download, had: number): Promise<void> {
  const { client, partialPath, sha256, sizeBytes, signal } = download;
  const resumes = had > 0 && had < sizeBytes;
  const response = await client.open(routes.fetchArtifact, {
    params: { sha256 },
    headers: {
      accept: "application/octet-stream, application/problem+json",
      ...(resumes ? { range: `bytes=${had}-` } : {}),
    },
    signal,
  });
  const starts = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  const appends = response.status === 206 && resumes && Number(starts) === had;
  if (response.body === null) return;
  const file = await open(partialPath, appends ? "a" : "w", 0o600);
  try {
    await copy(response.body, file, sizeBytes, appends ? had : 0);
  } finally {
    await file.close();
  }
}

async function copy(
  body: ReadableStream<Uint8Array>,
  file: FileHandle,
  sizeBytes: number,
  from: number,
): Promise<void> {
  let written = from;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    written += chunk.byteLength;
    if (written > sizeBytes) {
      await file.truncate(0);
      throw new AgentFailure(
        "artifact_corrupt",
        `the farm sent more than the ${sizeBytes} bytes the model file has`,
      );
    }
    let offset = 0;
    while (offset < chunk.byteLength) {
      const { bytesWritten } = await file.write(chunk, offset);
      offset += bytesWritten;
    }
  }
  await file.sync();
}

/** The failure of a cache that cannot take a file. */
export function noRoom(sizeBytes: number, cause?: unknown): AgentFailure {
  return new AgentFailure(
    "disk_full",
    `there is no room for a model file of ${sizeBytes} bytes in the agent's folder; free some space there or give the agent another folder`,
    { cause },
  );
}
