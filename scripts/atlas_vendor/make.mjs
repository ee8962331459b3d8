// Bundles the libraries of the atlas and writes versions, licences and checksums beside them.
// Called by `make vendor`; needs node and the packages of package-lock.json (`npm ci`).
import {createHash} from "node:crypto";
import {mkdirSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const TARGET = new URL("../ame_warehouse/atlas/static/vendor/", import.meta.url);
const BUNDLES = ["plot", "table", "xlsx"];
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

function packageOf(input) {
  const parts = input.split("node_modules/").at(-1).split("/");
  return parts[0].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

function licenceText(name) {
  const folder = new URL(`node_modules/${name}/`, import.meta.url);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  return file ? readFileSync(new URL(file, folder), "utf8").trim() : "";
}

mkdirSync(TARGET, {recursive: true});
const files = {};
const used = new Set();
for (const name of BUNDLES) {
  const outfile = new URL(`${name}.js`, TARGET).pathname;
  const done = await build({
    entryPoints: [new URL(`${name}.js`, import.meta.url).pathname],
    bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none", outfile, metafile: true,
  });
  for (const [input, {bytesInOutput}] of Object.entries(Object.values(done.metafile.outputs)[0].inputs)) {
    if (bytesInOutput > 0 && input.includes("node_modules/")) used.add(packageOf(input));
  }
  const body = readFileSync(outfile);
  files[`${name}.js`] = {bytes: body.length, sha256: createHash("sha256").update(body).digest("hex")};
}

const packages = {};
let licences = "Licences of the libraries bundled in this folder; versions and checksums: vendor.json\n";
for (const name of [...used].sort()) {
  const {version, license} = JSON.parse(read(`node_modules/${name}/package.json`));
  packages[name] = {version, license};
  licences += `\n${"=".repeat(78)}\n${name} ${version} (${license})\n${"=".repeat(78)}\n\n${licenceText(name)}\n`;
}
writeFileSync(new URL("LICENCES.txt", TARGET), licences);
writeFileSync(new URL("vendor.json", TARGET), JSON.stringify({files, packages}, null, 2) + "\n");
console.log(Object.entries(files).map(([name, {bytes}]) => `${name}: ${bytes} bytes`).join("\n"));
