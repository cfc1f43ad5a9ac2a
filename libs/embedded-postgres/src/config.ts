/**
 * The environment of PostgreSQL's programs: only what they need, since PG* variables of the user's own servers must not
 * reach this one.
 */
export function childEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP, TMP } = process.env;
  return {
    LC_ALL: "C",
    ...Object.fromEntries(
      Object.entries({ PATH, SystemRoot, TEMP, TMP }).filter(([, value]) => value !== undefined),
    ),
  };
}
