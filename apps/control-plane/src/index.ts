export { provideRootKey } from "./org/provide-root-key.js";
export { ensureRootOrg, type RootOrg } from "./org/create-org.js";
export { Config, ConfigError, loadConfig, type Role, type Timers } from "./platform/config.js";
export { Database } from "./platform/database/database.js";
export { MigrationError, runMigrations } from "./platform/database/migrate.js";
export { PortTakenError, startControlPlane, type ControlPlane } from "./start-control-plane.js";
