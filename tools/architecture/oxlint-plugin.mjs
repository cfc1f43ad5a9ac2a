// The linter's rules for the laws in rules.mjs: `architecture/imports`, `architecture/ambient`, `architecture/names`.
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import {
  DOORS,
  EMPTY_NAMES,
  FILE_NAME,
  OWNED_GLOBALS,
  OWNED_MODULES,
  PACKAGES,
  RULES_MAY_IMPORT,
  RULES_MAY_IMPORT_NAMES,
  RULES_SUFFIX,
  SLICES,
  SLICES_FOLDER,
  isExempt,
} from "./rules.mjs";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SCOPE = "@benchfarm/";

function fromRoot(filename) {
  return relative(ROOT, filename).split(sep).join("/");
}

function packageOf(path) {
  return Object.keys(PACKAGES).find((name) => path.startsWith(`${PACKAGES[name].folder}/`));
}

const declared = new Map();

function declaredDependencies(packageName) {
  if (!declared.has(packageName)) {
    const manifest = JSON.parse(
      readFileSync(join(ROOT, PACKAGES[packageName].folder, "package.json"), "utf8"),
    );
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    declared.set(
      packageName,
      new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })),
    );
  }
  return declared.get(packageName);
}

function bareName(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function sliceOf(path) {
  const slice = path.startsWith(`${SLICES_FOLDER}/`)
    ? path.slice(SLICES_FOLDER.length + 1).split("/")[0]
    : "";
  return SLICES.indexOf(slice);
}

/**
 * What is wrong with file `path` (from the root) importing `names` from `specifier` (null: not known which, so all);
 * null when nothing is.
 */
export function judgeImport(path, specifier, names = null) {
  if (isExempt(path)) return null;
  const own = packageOf(path);
  const isRelative = specifier.startsWith(".");
  const target = isRelative
    ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts")
    : specifier;

  const owned = OWNED_MODULES.find(({ module }) => module.test(target));
  if (owned && !owned.owners.some((owner) => owner.test(path))) return owned.say;

  if (isRelative) {
    if (!target.startsWith(`${PACKAGES[own].folder}/`)) {
      return `${specifier} leaves the package: import another package by its name`;
    }
    const from = sliceOf(path);
    const to = sliceOf(target);
    if (from !== -1 && (to > from || to === -1)) {
      const what = to === -1 ? "the application's root" : SLICES[to];
      return `${SLICES[from]} may not import ${what}: slices import only to their left (${SLICES.join(", ")})`;
    }
    if (path.endsWith(RULES_SUFFIX) && !target.endsWith(RULES_SUFFIX)) {
      return `rules are pure: ${specifier} is not another ${RULES_SUFFIX}`;
    }
    return null;
  }

  if (specifier.startsWith(SCOPE)) {
    const [, name, ...door] = specifier.split("/");
    if (!PACKAGES[own].mayImport.includes(name)) {
      const allowed = PACKAGES[own].mayImport.join(", ") || "no other package";
      return `${own} may not import ${name}; it may import ${allowed}`;
    }
    if (door.length > 0 && door.join("/") !== "testing") {
      return `${specifier} reaches behind the door of ${name}`;
    }
    if (door.length > 0 && !path.includes("/src/testing/")) {
      return `${specifier} is for tests`;
    }
    if (path.endsWith(RULES_SUFFIX) && !RULES_MAY_IMPORT.includes(name)) {
      return `rules are pure: they may import ${RULES_MAY_IMPORT.join(", ")}, not ${name}`;
    }
  } else if (path.endsWith(RULES_SUFFIX)) {
    const pure = RULES_MAY_IMPORT_NAMES[specifier] ?? [];
    if (names?.length > 0 && names.every((name) => pure.includes(name))) return null;
    return `rules are pure: they may not import ${specifier}`;
  } else if (isBuiltin(specifier)) {
    return specifier.startsWith("node:") ? null : `write node:${specifier}`;
  }
  const name = bareName(specifier);
  return declaredDependencies(own).has(name)
    ? null
    : `${name} is not a dependency in ${PACKAGES[own].folder}/package.json`;
}

/** What is wrong with the name of file `path`; null when nothing is. */
export function judgeName(path) {
  const own = packageOf(path);
  if (own === undefined) return null;
  const inside = path.slice(PACKAGES[own].folder.length + 1);
  for (const part of inside.split("/")) {
    if (!FILE_NAME.test(part)) return `"${part}" is not kebab-case`;
    const [stem] = part.split(".");
    if (EMPTY_NAMES.includes(stem)) return `"${stem}" does not say what is inside`;
  }
  if (/(^|\/)index\.tsx?$/.test(inside) && !DOORS.some((door) => door.test(inside))) {
    return "an index is only a package's door";
  }
  return null;
}

const imports = {
  create(context) {
    const path = fromRoot(context.filename);
    const check = (source, names = null) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = judgeImport(path, source.value, names);
      if (message) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: ({ source, specifiers }) =>
        check(
          source,
          specifiers.map(({ imported }) => imported?.name ?? "*"),
        ),
      ExportNamedDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSImportType: ({ source, argument }) => check(source ?? argument?.literal ?? argument),
      CallExpression: ({ callee, arguments: [argument] }) => {
        if (callee.type !== "Identifier" || callee.name !== "require") return;
        // Sources are ES modules, so a function of this name may be something else; modules are told by their look.
        if (/^[.@]|^node:/.test(argument?.value) || isBuiltin(String(argument?.value)))
          check(argument);
      },
    };
  },
};

const ambient = {
  create(context) {
    const path = fromRoot(context.filename);
    const forbidden = new Map();
    if (!isExempt(path)) {
      for (const { members, owners, say } of OWNED_GLOBALS) {
        if (owners.some((owner) => owner.test(path))) continue;
        for (const member of members) forbidden.set(member, say);
      }
    }
    const check = (node, member) => {
      const message = forbidden.get(member);
      if (message) context.report({ node, message });
    };
    const propertyName = (property) =>
      property.type === "Identifier" ? property.name : property.value;
    return {
      MemberExpression: (node) => {
        let { object } = node;
        // globalThis.process.env is the same thing.
        if (object.type === "MemberExpression" && object.object.name === "globalThis") {
          object = { type: "Identifier", name: propertyName(object.property) };
        }
        if (object.type === "Identifier")
          check(node, `${object.name}.${propertyName(node.property)}`);
      },
      VariableDeclarator: (node) => {
        if (node.id.type !== "ObjectPattern" || node.init?.type !== "Identifier") return;
        for (const property of node.id.properties) {
          if (property.key) check(property, `${node.init.name}.${propertyName(property.key)}`);
        }
      },
      ImportDeclaration: (node) => {
        if (!/^(node:)?process$/.test(node.source.value)) return;
        for (const { imported } of node.specifiers) {
          if (imported) check(node, `process.${imported.name}`);
        }
      },
      NewExpression: (node) => {
        if (node.arguments.length === 0) check(node, `new ${node.callee.name}()`);
      },
      CallExpression: (node) => {
        if (node.callee.type === "Identifier") check(node, `${node.callee.name}()`);
      },
    };
  },
};

const names = {
  create(context) {
    return {
      Program: (node) => {
        const message = judgeName(fromRoot(context.filename));
        if (message) context.report({ node, message });
      },
    };
  },
};

export default { meta: { name: "architecture" }, rules: { imports, ambient, names } };
