#!/usr/bin/env node
// Starts the command line from its TypeScript sources: ts-node's loader, types stripped without checking
// (`npm run types` checks them).
import { register } from "node:module";

// ts-node 10 asks newer versions of Node for things that they have deprecated.
process.noDeprecation = true;
process.env.NODE_NO_WARNINGS = "1";
register("ts-node/esm", import.meta.url);
const { main } = await import("./sealmeter.ts");
await main(process.argv);
