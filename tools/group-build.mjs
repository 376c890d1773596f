// npm run group:build: compiles the fast group and writes its module, from the TypeScript sources as sealmeter.mjs does.
import { writeFile } from "node:fs/promises";
import { register } from "node:module";

register("ts-node/esm", import.meta.url);
const { compileModule, MODULE_PATH, moduleSource } = await import("./group-module.ts");

const bytes = await compileModule();
await writeFile(MODULE_PATH, moduleSource(bytes));
console.log(`${bytes.length} bytes of WebAssembly`);
