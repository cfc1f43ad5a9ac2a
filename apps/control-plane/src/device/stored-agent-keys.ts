import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { AgentKeys, type AgentKey } from "../platform/http/agent-keys.js";
import { readAgent } from "./agent.store.js";

/** The keys of enrolled agents, as the door checks them. */
@Injectable()
export class StoredAgentKeys extends AgentKeys {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async find(agentId: string): Promise<AgentKey | null> {
    const agent = await readAgent(this.#database.prisma, agentId);
    return agent && { publicKey: agent.publicKey, orgId: agent.orgId, revoked: agent.revoked };
  }
}
