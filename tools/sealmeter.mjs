#!/usr/bin/env node
// Starts the command line from its TypeScript sources: ts-node's loader, types stripped without checking
// (`npm run types` checks them).
import { register } from "node:module";

register("ts-node/esm", import.meta.url);
const { main } = await import("./sealmeter.ts");
await main(process.argv);
