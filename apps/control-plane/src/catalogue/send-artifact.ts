import { Problem } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Database } from "../platform/database/database.js";
import { ArtifactFiles } from "./artifact-files.js";
import { findArtifact } from "./artifact.store.js";
import { answerRange } from "./byte-range.rules.js";

/** Sends stored files to whoever may have them. */
@Injectable()
export class SendArtifact {
  readonly #files: ArtifactFiles;
  readonly #database: Database;

  constructor(files: ArtifactFiles, database: Database) {
    this.#files = files;
    this.#database = database;
  }

  /** The size of a file that the org holds and the store has. Throws `not_found`. */
  async sizeOf(orgId: string, sha256: string): Promise<number> {
    const known = await findArtifact(this.#database.prisma, orgId, sha256);
    const sizeBytes = known === null ? null : await this.#files.sizeOf(sha256);
    if (sizeBytes === null || sizeBytes !== known?.sizeBytes) {
      throw new Problem(
        "not_found",
        `no file with the SHA-256 ${sha256} is stored; upload it with PUT /v1/artifacts/${sha256}`,
      );
    }
    return sizeBytes;
  }

  /** Answers with the headers of the file alone. */
  async head(orgId: string, sha256: string, response: FastifyReply): Promise<void> {
    const sizeBytes = await this.sizeOf(orgId, sha256);
    this.#headers(sha256, response).header("content-length", sizeBytes).send();
  }

  /** Answers with the file, or the part of it that `Range` asks for, so that a broken download goes on where it stopped. */
  async stream(
    orgId: string,
    sha256: string,
    request: FastifyRequest,
    response: FastifyReply,
  ): Promise<void> {
    const sizeBytes = await this.sizeOf(orgId, sha256);
    const { range, "if-range": ifRange } = request.headers;
    const answer = answerRange(
      range,
      String(ifRange ?? "") || undefined,
      etagOf(sha256),
      sizeBytes,
    );
    this.#headers(sha256, response);
    if (answer.kind === "unsatisfiable") {
      response.status(416).header("content-range", `bytes */${sizeBytes}`).send();
      return;
    }
    if (answer.kind === "whole") {
      response.header("content-length", sizeBytes);
      // A stream over nothing would open the file for no bytes.
      response.send(sizeBytes === 0 ? Buffer.alloc(0) : this.#files.open(sha256));
      return;
    }
    const { start, end } = answer.range;
    response
      .status(206)
      .header("content-range", `bytes ${start}-${end}/${sizeBytes}`)
      .header("content-length", end - start + 1)
      .send(this.#files.open(sha256, answer.range));
  }

  #headers(sha256: string, response: FastifyReply): FastifyReply {
    return response
      .header("content-type", "application/octet-stream")
      .header("accept-ranges", "bytes")
      .header("etag", etagOf(sha256))
      .header("cache-control", "private, immutable, max-age=31536000");
  }
}

function etagOf(sha256: string): string {
  return `"${sha256}"`;
}
