export * from "./content-digest.js";
export * from "./key-text.js";
export * from "./request-signature.js";
