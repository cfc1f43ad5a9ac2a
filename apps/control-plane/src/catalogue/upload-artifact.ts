import type { Readable } from "node:stream";
import type { Artifact } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { ArtifactFiles } from "./artifact-files.js";
import { findArtifact, recordArtifact } from "./artifact.store.js";

export interface Uploaded {
  artifact: Artifact;
  isNew: boolean;
}

/** Stores files for orgs. */
@Injectable()
export class UploadArtifact {
  readonly #files: ArtifactFiles;
  readonly #database: Database;

  constructor(files: ArtifactFiles, database: Database) {
    this.#files = files;
    this.#database = database;
  }

  /**
   * Stores a file under its digest, unless the org has it: then the bytes are let go by unread. A file that another org stored is not
   * written again, but its bytes must be sent: having them is what gives the right to it. Throws `digest_mismatch`, `storage_full`.
   */
  async run(orgId: string, sha256: string, source: Readable): Promise<Uploaded> {
    const storedBytes = await this.#files.sizeOf(sha256);
    const known = await findArtifact(this.#database.prisma, orgId, sha256);
    if (known !== null && known.sizeBytes === storedBytes) {
      source.resume();
      return { artifact: known, isNew: false };
    }
    const sizeBytes =
      storedBytes === null
        ? await this.#files.store(source, sha256)
        : await this.#files.check(source, sha256);
    // A file of the right name and another size was damaged by somebody else; what came is what counts.
    if (storedBytes !== null && storedBytes !== sizeBytes) throw new DamagedStoreError(sha256);
    const artifact = await recordArtifact(this.#database.prisma, orgId, sha256, sizeBytes);
    return { artifact, isNew: true };
  }
}

/** A file of the store that is not what its name says; somebody changed it behind the farm's back. */
export class DamagedStoreError extends Error {
  constructor(sha256: string) {
    super(
      `the stored file ${sha256} is damaged; delete it from the artifact folder and upload it again`,
    );
    this.name = "DamagedStoreError";
  }
}
