const FIELD_WORDS: Record<string, string> = {
  skuId: "sku",
  modelSha256: "model file",
  engineId: "engine",
  workloadDigest: "workload",
};

/** `settings.cacheTypeK` as `cache type K`: a field of the comparison key, for people. */
export function fieldWords(field: string): string {
  const last = field.split(".").at(-1) ?? field;
  const known = FIELD_WORDS[last];
  if (known !== undefined) return known;
  return last
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .replace(/\b[A-Z][a-z]+/g, (word) => word.toLowerCase());
}
