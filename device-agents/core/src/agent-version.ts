/** The version an agent gives of itself; raised with each release that changes what it measures or sends. */
export const AGENT_VERSION = "0.1.0";
