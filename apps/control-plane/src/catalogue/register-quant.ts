import { Problem, type Artifact, type Quant, type RegisterQuant } from "@benchfarm/contracts";
import { GgufError, readGgufHeader } from "@benchfarm/gguf";
import { Injectable } from "@nestjs/common";
import { findOrg } from "../org/org.store.js";
import { Database } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { ArtifactFiles } from "./artifact-files.js";
import { findArtifact, recordArtifact } from "./artifact.store.js";
import { ensureModel } from "./model.store.js";
import { describeQuant } from "./describe-quant.js";
import { findQuantBySha256, insertQuant } from "./quant.store.js";

/** Makes stored files measurable. */
@Injectable()
export class RegisterStoredQuant {
  readonly #files: ArtifactFiles;
  readonly #database: Database;

  constructor(files: ArtifactFiles, database: Database) {
    this.#files = files;
    this.#database = database;
  }

  /**
   * Registers a stored file as a quant from what its header says; repeating it returns the quant as it is. A file that was put into the
   * store without an upload is taken in for the root org, hashed once; other orgs must upload what they register. Throws `not_found` without the file,
   * `digest_mismatch` for a damaged one, `invalid_model_file` for one that is no model.
   */
  async run(
    orgId: string,
    given: RegisterQuant,
    actor: string,
  ): Promise<{ quant: Quant; isNew: boolean }> {
    const existing = await findQuantBySha256(this.#database.prisma, orgId, given.sha256);
    if (existing !== null) return { quant: existing, isNew: false };
    const artifact = await this.#artifact(orgId, given.sha256);
    const { model, quant } = describeQuant(await this.#header(given.sha256), given);
    return this.#database.inTransaction(async (tx) => {
      const { id: modelId } = await ensureModel(tx, orgId, model);
      const stored = await insertQuant(tx, orgId, {
        ...quant,
        modelId,
        sha256: given.sha256,
        sizeBytes: artifact.sizeBytes,
      });
      if (stored.isNew) {
        await recordEvent(tx, {
          orgId,
          kind: "quant.registered",
          subjectKind: "quant",
          subjectId: stored.quant.id,
          actor,
          data: { sha256: given.sha256, model: model.name, name: quant.name },
        });
      }
      return stored;
    });
  }

  async #artifact(orgId: string, sha256: string): Promise<Artifact> {
    const known = await findArtifact(this.#database.prisma, orgId, sha256);
    const storedBytes = await this.#files.sizeOf(sha256);
    if (storedBytes !== null) {
      if (known !== null) return known;
      if ((await findOrg(this.#database.prisma, orgId))?.root === true) {
        const sizeBytes = await this.#files.verify(sha256);
        return recordArtifact(this.#database.prisma, orgId, sha256, sizeBytes);
      }
    }
    throw new Problem(
      "not_found",
      `no file with the SHA-256 ${sha256} is stored; upload it with PUT /v1/artifacts/${sha256}`,
    );
  }

  async #header(sha256: string) {
    try {
      return await readGgufHeader(this.#files.path(sha256));
    } catch (error) {
      if (error instanceof GgufError) {
        throw new Problem("invalid_model_file", `the file is no readable GGUF: ${error.message}`);
      }
      throw error;
    }
  }
}
