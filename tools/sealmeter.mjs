#!/usr/bin/env node
// Starts the command line from its TypeScript sources: ts-node's loader, types stripped without checking
// (`npm run types` checks them).
import { register } from "node:module";
import { fileURLToPath } from "node:url";

// ts-node looks for its settings from the working folder on, which may be anywhere.
process.env.TS_NODE_PROJECT = fileURLToPath(new URL("../tsconfig.json", import.meta.url));
// ts-node 10 asks newer versions of Node for things that they have deprecated.
process.noDeprecation = true;
process.env.NODE_NO_WARNINGS = "1";
register("ts-node/esm", import.meta.url);
const { guardOutput } = await import("./command-line.ts");
const { main } = await import("./sealmeter.ts");
guardOutput();
await main(process.argv);
