// Puts the page together: one file that needs nothing but a browser.
//
//   cd tools/proof-page && npm ci && npm run build
//
// Same sources and same versions (package-lock.json) give the same octets. What went in stands in the file with its
// hash, and a test compares it with the sources: a page that was not built anew does not pass.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const sources = join(root, "proof", "page");
const sha256 = (data, form) => createHash("sha256").update(data).digest(form);

const vendored = (name) => join(here, "node_modules", "@noble", name);

const bundled = await build({
  entryPoints: [join(sources, "page.js")],
  bundle: true,
  write: false,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // whole licences stand in the page
  // From here and from nowhere else: another folder above may have packages of the same name.
  alias: Object.fromEntries(["curves", "hashes"].map((name) => [`@noble/${name}`, vendored(name)])),
  // Names of files stand in the result: they must not tell where it was built.
  absWorkingDir: root,
  logLevel: "warning",
});
const script = bundled.outputFiles[0].text;
const style = readFileSync(join(sources, "page.css"), "utf8");
if (/<\/(script|style)/i.test(script) || /<\//.test(style)) throw new Error("a source would end its own element");

const names = readdirSync(sources).filter((name) => name !== "verify.html");
const files = names.map((name) => join("proof", "page", name));
for (const name of ["build.mjs", "package.json", "package-lock.json"]) files.push(join("tools", "proof-page", name));
const inputs = Object.fromEntries(files.sort().map((file) => [file, sha256(readFileSync(join(root, file)), "hex")]));

const licence = (name) => readFileSync(join(vendored(name), "LICENSE"), "utf8").trim();
const parts = {
  LICENCES: ["curves", "hashes"].map((name) => `@noble/${name}\n\n${licence(name)}`).join("\n\n"),
  SCRIPT: script,
  STYLE: style,
  SCRIPT_HASH: `sha256-${sha256(script, "base64")}`,
  STYLE_HASH: `sha256-${sha256(style, "base64")}`,
  INPUTS: JSON.stringify(inputs, null, 1),
};
const template = readFileSync(join(sources, "page.html"), "utf8");
const page = template.replace(/%([A-Z_]+)%/g, (_, name) => parts[name]);
writeFileSync(join(sources, "verify.html"), page);
console.log(`proof/page/verify.html: ${page.length} characters from ${files.length} files`);
