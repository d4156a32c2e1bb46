// Bundles what pages load into ../static: names carry a hash of the content, manifest.json says which is which.
// Usage: node build.mjs FOLDER, where FOLDER/node_modules has what package-lock.json says.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = resolve(here, "..", "static");
const modules = resolve(process.argv[2], "node_modules");
const esbuild = createRequire(join(modules, "_"))("esbuild");

const manifest = {};
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await bundle();
await sprite();
await licences();
await compress();
// Last, so that what finds it finds everything.
await writeFile(join(target, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 2) + "\n");

// Every src/NAME.js and src/NAME.css is something that a page may load, with what it imports.
async function bundle() {
  const entries = (await readdir(source)).filter((name) => /\.(js|css)$/.test(name));
  const built = await esbuild.build({
    absWorkingDir: source,
    entryPoints: entries,
    nodePaths: [modules],
    outdir: target,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file" },
    legalComments: "none", // licences() keeps them
    logLevel: "warning",
    metafile: true,
  });
  for (const [path, output] of Object.entries(built.metafile.outputs)) {
    if (output.entryPoint) manifest[output.entryPoint] = basename(path);
  }
  if (built.warnings.length) throw new Error("esbuild warns, see above");
}

// One file with every icon that src/icons.txt names, into which pages point; and the one of a browser's tab.
async function sprite() {
  const names = (await readFile(join(source, "icons.txt"), "utf8")).split("\n").filter((line) => line);
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(join(modules, "lucide-static", "icons", `${name}.svg`), "utf8");
      const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
      return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
    }),
  );
  const mark = await readFile(join(source, "mark.svg"), "utf8");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}${mark.trim()}</svg>\n`;
  await hashed("icons.svg", svg);
  await hashed("icon.svg", await readFile(join(source, "icon.svg"), "utf8"));
}

async function hashed(name, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  manifest[name] = name.replace(/(?=\.\w+$)/, `-${hash}`);
  await writeFile(join(target, manifest[name]), text);
}

// What others wrote goes out with the terms under which they let us.
async function licences() {
  const lock = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
  const parts = [];
  for (const [path, about] of Object.entries(lock.packages)) {
    if (!path || about.dev || about.optional) continue;
    const folder = join(dirname(modules), path);
    const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    parts.push(`${path.replace(/^node_modules\//, "")} ${about.version} (${about.license})\n\n${text.trim()}\n`);
  }
  await writeFile(join(target, "licences.txt"), parts.join("\n" + "-".repeat(80) + "\n\n"));
}

async function compress() {
  for (const name of await readdir(target)) {
    if (!/\.(js|css|svg|txt)$/.test(name)) continue;
    const bytes = await readFile(join(target, name));
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
    await writeFile(join(target, `${name}.br`), brotliCompressSync(bytes, options));
    await writeFile(join(target, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}
