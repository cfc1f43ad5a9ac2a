import { Injectable, type OnApplicationShutdown } from "@nestjs/common";
import pg from "pg";
import { Config } from "../config.js";

const RECONNECT_MS = 500;

/**
 * PostgreSQL's NOTIFY on one connection of its own per process. The connection is opened by the first subscriber and opened again
 * when it breaks; what is sent in between is lost, so listeners must also look by themselves now and then.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  readonly #databaseUrl: string;
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();
  #client: pg.Client | undefined;
  #opening: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(config: Config) {
    this.#databaseUrl = config.databaseUrl;
  }

  /** Calls `listener` with each payload sent on `channel`; returns what ends it. */
  subscribe(channel: string, listener: (payload: string) => void): () => void {
    if (!/^[a-z_]+$/.test(channel)) throw new TypeError(`${channel} cannot be a channel's name`);
    const listeners = this.#listeners.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    listeners.add(listener);
    this.#listeners.set(channel, listeners);
    if (isNew && this.#client !== undefined) {
      this.#client.query(`listen ${channel}`).catch(() => this.#lost());
    }
    void this.#open();
    return () => listeners.delete(listener);
  }

  /** Resolves once what is subscribed so far is listened for. */
  async ready(): Promise<void> {
    await this.#open();
    await this.#client?.query("select 1");
  }

  #open(): Promise<void> {
    if (this.#client !== undefined || this.#closed) return Promise.resolve();
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: "benchfarm-listen",
      keepAlive: true,
    });
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    client.on("notification", ({ channel, payload }) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(payload ?? "");
    });
    try {
      await client.connect();
      for (const channel of this.#listeners.keys()) await client.query(`listen ${channel}`);
      this.#client = client;
      if (this.#closed) await this.#end();
    } catch {
      await client.end().catch(() => undefined);
      this.#reconnect();
    }
  }

  #lost(client = this.#client): void {
    if (client === undefined || client !== this.#client) return;
    this.#client = undefined;
    client.end().catch(() => undefined);
    this.#reconnect();
  }

  #reconnect(): void {
    if (this.#closed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#open();
    }, RECONNECT_MS);
    this.#retry.unref();
  }

  async #end(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#opening;
    await this.#end();
  }
}
