export { startEmbeddedPostgres, stopAbandonedServer } from "./start-server.js";
export type { EmbeddedPostgres, StartOptions } from "./start-server.js";
export { createTestDatabase, ensureDatabase, ensureTemplateDatabase } from "./test-database.js";
export type { TestDatabase } from "./test-database.js";
export { withDatabase } from "./database-url.js";
export { EmbeddedPostgresError } from "./embedded-postgres-error.js";
export type { EmbeddedPostgresErrorCode } from "./embedded-postgres-error.js";
export type { Durability } from "./server-settings.js";
