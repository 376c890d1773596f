// One core of a street: lives the meters whose plans it is sent, from the TypeScript sources as sealmeter.mjs does,
// and answers each with what it has left behind.
import { register } from "node:module";
import { parentPort } from "node:worker_threads";

register("ts-node/esm", import.meta.url);
const { liveMeter } = await import("../host-sim/street-meter.ts");

parentPort.on("message", (plan) => parentPort.postMessage(liveMeter(plan)));
