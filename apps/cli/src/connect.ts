import { createClient, type Client } from "@benchfarm/contracts";
import { SettingError, type CliConfig } from "./config.js";
import { readCredentials } from "./credentials.js";

/** Where a command finds its farm: flags, then the environment, then the farm kept in the data folder. */
export interface ConnectionFlags {
  url?: string;
  key?: string;
}

export interface Connection {
  url: string;
  client: Client;
}

/** Opens a client. Throws SettingError when there is no farm to talk to, saying how to name one. */
export function connect(config: CliConfig, flags: ConnectionFlags): Connection {
  const kept = readCredentials(config.dataDir);
  const url = flags.url ?? config.url ?? kept?.url;
  if (url === undefined) {
    throw new SettingError(
      `There is no farm in ${config.dataDir}. Start one with 'benchfarm up', or name one with --url and --key (BENCHFARM_URL, BENCHFARM_API_KEY).`,
    );
  }
  const apiKey = flags.key ?? config.apiKey ?? (url === kept?.url ? kept.apiKey : undefined);
  return {
    url,
    client: createClient({ baseUrl: url, ...(apiKey === undefined ? {} : { apiKey }) }),
  };
}
