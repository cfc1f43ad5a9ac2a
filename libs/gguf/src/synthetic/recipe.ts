import { planSyntheticModel } from "./plan-model.js";
import type { SyntheticQuant } from "./quant-mix.js";
import { GENERATOR_VERSION } from "./shape-metadata.js";
import { writeSyntheticModel, type WriteProgress, type WrittenModel } from "./write-model.js";

/** Everything that decides a synthetic file's bytes: two files of equal recipe have equal sha256. */
export interface SyntheticRecipe {
  readonly kind: "synthetic";
  readonly shape: string;
  readonly quant: SyntheticQuant;
  readonly seed: number;
  readonly generatorVersion: number;
}

/**
 * The recipe of this generator for a shape, quantisation and seed.
 * @throws RangeError as planSyntheticModel does.
 */
export function recipeOf(shape: string, quant: SyntheticQuant, seed = 1): SyntheticRecipe {
  planSyntheticModel({ shape, quant, seed });
  return { kind: "synthetic", shape, quant, seed, generatorVersion: GENERATOR_VERSION };
}

/**
 * Writes the file of a recipe, see writeSyntheticModel.
 * @throws RangeError when the recipe belongs to another generator version, whose bytes this one cannot give.
 */
export async function makeFromRecipe(
  recipe: SyntheticRecipe,
  path: string,
  onProgress?: WriteProgress,
  signal?: AbortSignal,
): Promise<WrittenModel> {
  if (recipe.generatorVersion !== GENERATOR_VERSION) {
    throw new RangeError(
      `this recipe is for generator version ${recipe.generatorVersion}, this program has ${GENERATOR_VERSION}; ` +
        "make a new recipe, or use the program version that the recipe came from",
    );
  }
  const { shape, quant, seed } = recipe;
  return writeSyntheticModel({
    shape,
    quant,
    seed,
    path,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  });
}
