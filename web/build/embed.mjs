// Puts what Vite has built where the server takes it from: each file as it is, with gzip and with brotli, and the
// table of them for Rust. With `--check` it changes nothing, and fails if a compressed file is not the plain one:
// compressors differ from version to version, so that their bytes cannot be compared.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const built = join(root, "dist");
const assets = join(root, "../crates/server/assets");
const table = join(root, "../crates/server/src/socket/page/files.rs");
const KINDS = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

const names = readdirSync(built).sort();
const content = (name) => readFileSync(join(built, name));
const hashed = (name) => /-[\w-]{8}\.\w+$/.test(name);

function entry(name) {
  const tag = createHash("sha256").update(content(name)).digest("hex").slice(0, 16);
  const path = name === "index.html" ? "/" : `/${name}`;
  const bytes = (suffix) => `include_bytes!("../../../assets/${name}${suffix}")`;
  return `    File {
        path: "${path}",
        kind: "${KINDS[name.split(".").pop()]}",
        etag: "W/\\"${tag}\\"",
        hashed: ${hashed(name)},
        identity: ${bytes("")},
        gzip: ${bytes(".gz")},
        brotli: ${bytes(".br")},
    },
`;
}

const rust = `//! The files of the page. Written by \`npm run build\` in \`web\`, not by hand.

use super::File;

#[rustfmt::skip]
pub(super) const FILES: &[File] = &[
${names.map(entry).join("")}];
`;

/** Whether what lies there was made of this content. */
function isOf(plain, file, decompress) {
  return existsSync(file) && decompress(readFileSync(file)).equals(plain);
}

function faults() {
  const found = [];
  for (const name of names) {
    const file = join(assets, name);
    if (!existsSync(file) || !readFileSync(file).equals(content(name))) found.push(name);
    if (!isOf(content(name), `${file}.gz`, gunzipSync)) found.push(`${name}.gz`);
    if (!isOf(content(name), `${file}.br`, brotliDecompressSync)) found.push(`${name}.br`);
  }
  const wanted = new Set(names.flatMap((name) => [name, `${name}.gz`, `${name}.br`]));
  if (existsSync(assets)) found.push(...readdirSync(assets).filter((name) => !wanted.has(name)));
  if (!existsSync(table) || readFileSync(table, "utf8") !== rust) found.push("files.rs");
  return found;
}

function write() {
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  for (const name of names) {
    const file = join(assets, name);
    const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content(name).length };
    writeFileSync(file, content(name));
    writeFileSync(`${file}.gz`, gzipSync(content(name), { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(content(name), { params: size }));
  }
  writeFileSync(table, rust);
}

if (!process.argv.includes("--check")) {
  if (faults().length > 0) write();
} else if (faults().length > 0) {
  console.error(`crates/server is not what web/ gives: ${faults().join(", ")}. Run \`npm run build\` in web.`);
  process.exit(1);
}
