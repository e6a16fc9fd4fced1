// The same sources give the same bytes: `dist` as it is, and built again.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function digests() {
  const files = readdirSync(join(root, "dist"), { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return paths.map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")} ${path}`).join("\n");
}

const before = digests();
execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "ignore" });
if (before !== digests()) {
  console.error("two builds of the same sources differ");
  process.exit(1);
}
console.log("built twice, the same bytes");
