// One core of verify-bills: verifies the bills whose files it is sent, from the TypeScript sources as sealmeter.mjs
// does, and answers with their verdicts.
import { register } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

register("ts-node/esm", import.meta.url);
const { FileVerifier } = await import("./bill-files.ts");

const verifier = new FileVerifier(workerData);
parentPort.on("message", (paths) => parentPort.postMessage(verifier.verify(paths)));
