-- The same file may belong to several orgs, and none may see by it what another has stored.
ALTER TABLE "artifact" DROP CONSTRAINT "artifact_pkey";
DROP INDEX "artifact_org_id_idx";
ALTER TABLE "artifact" ADD CONSTRAINT "artifact_pkey" PRIMARY KEY ("org_id", "sha256");
CREATE INDEX "artifact_sha256_idx" ON "artifact"("sha256");
