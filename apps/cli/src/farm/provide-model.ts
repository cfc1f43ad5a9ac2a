import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { artifactPath } from "@benchfarm/agent-core";
import { routes, type Client, type Quant } from "@benchfarm/contracts";
import { makeFromRecipe, type SyntheticRecipe } from "@benchfarm/gguf";

/** The registered quant of a recipe, or null. */
async function findQuant(client: Client, recipe: SyntheticRecipe): Promise<Quant | null> {
  let cursor: string | undefined;
  do {
    const page = await client.call(routes.listQuants, {
      query: { limit: 200, weights: "synthetic", ...(cursor === undefined ? {} : { cursor }) },
    });
    for (const quant of page.items) {
      const source = quant.source;
      if (
        source.kind === "synthetic" &&
        source.shape === recipe.shape &&
        source.quant === recipe.quant &&
        source.seed === recipe.seed &&
        source.generatorVersion === recipe.generatorVersion
      ) {
        return quant;
      }
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return null;
}

/**
 * Makes the synthetic model of a recipe straight in the farm's own file store, on the same machine, and registers it. Does nothing
 * when the farm has it. Rejects when the disk is full, naming the folder.
 */
export async function provideModel(
  client: Client,
  recipe: SyntheticRecipe,
  artifactDir: string,
  onProgress: (fraction: number) => void,
): Promise<Quant> {
  const known = await findQuant(client, recipe);
  if (known !== null && (await isStored(artifactDir, known.sha256))) return known;
  await mkdir(artifactDir, { recursive: true });
  const partial = join(artifactDir, `.making-${recipe.shape}-${recipe.quant}-${process.pid}`);
  try {
    const made = await makeFromRecipe(recipe, partial, ({ writtenBytes, totalBytes }) =>
      onProgress(writtenBytes / totalBytes),
    );
    const path = artifactPath(artifactDir, made.sha256);
    await mkdir(join(path, ".."), { recursive: true });
    await rename(partial, path);
    return await client.call(routes.registerQuant, {
      body: { sha256: made.sha256, source: { ...recipe } },
    });
  } finally {
    await rm(partial, { force: true });
  }
}

async function isStored(artifactDir: string, sha256: string): Promise<boolean> {
  return stat(artifactPath(artifactDir, sha256)).then(
    () => true,
    () => false,
  );
}
