// The second machine at its worst: firmware/native/neighbour.c with the SDK's engine and its ESP32 platform code,
// built for 32-bit Linux over threads in the place of FreeRTOS, runs machines that fill their memory, loop, flood
// and the like, and the first machine goes on. The other C files are compiled, for want of hardware not run.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VerificationError } from "../src/proofs/signed.js";
import { makeFolder, writeFile } from "./command-line.js";

/** Runs a program and gives what it printed. @throws VerificationError when it fails. */
type Run = (command: string, args: readonly string[]) => string;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FIRMWARE = join(ROOT, "firmware");
const HOSTILE = join(FIRMWARE, "hostile");

/** Headers of ESP-IDF that are asked for; idf.h has what is in them. */
const HEADERS = [
  "FreeRTOS.h task.h queue.h semphr.h sdkconfig.h esp_log.h esp_system.h esp_random.h bootloader_random.h",
  "esp_task_wdt.h",
  "esp_attr.h esp_intr_alloc.h esp_timer.h esp_event.h esp_netif.h esp_wifi.h esp_partition.h",
  "freertos/FreeRTOS.h freertos/task.h freertos/queue.h freertos/semphr.h freertos/timers.h",
  "driver/gpio.h driver/pulse_cnt.h hal/gpio_ll.h soc/soc_caps.h esp_adc/adc_continuous.h",
].flatMap((line) => line.split(" "));
/** Engine sources that the SDK's build for the ESP32 leaves out. */
const LEFT_OUT = [
  "xsDefaults.c",
  "xsLockdown.c",
  "xsPlatforms.c",
  "xsProfile.c",
  "xsSnapshot.c",
  "xsffi.c",
  "xsum.c",
];
const DEFINES = [
  "-D_GNU_SOURCE",
  "-D__ets__",
  "-DESP32=1",
  "-DMAXFLOAT=3.40282347e+38F",
  "-DmxUseDefaultSharedChunks=1",
];
const OWN_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"];
/** What must come of each machine: whether it is alive when it is ended, and the last short message heard. */
const EXPECTED: Readonly<Record<string, { readonly alive: boolean; readonly said: string }>> = {
  good: { alive: true, said: "1,2,3" },
  memory: { alive: false, said: "" },
  buffers: { alive: false, said: "" },
  stack: { alive: false, said: "" },
  throws: { alive: false, said: "" },
  startup: { alive: false, said: "" },
  loops: { alive: true, said: "" },
  floods: { alive: true, said: "" },
  forbidden: { alive: false, said: "" },
  patches: { alive: true, said: "0,7" },
};
/** Machines run one after another: each twice, and a good one at the end. */
const RUNS = 2 * Object.keys(EXPECTED).length + 1;
/** The first machine's turns may not be further apart than this; 3 s is what the unit needs. */
const GAP_MS_MAX = 1_000;
const CLOSE_MS_MAX = 1_000;

export interface HostileResult {
  readonly machines: number;
  /** Between two turns of the first machine, and to end the second, at most. */
  readonly worst_ms: number;
  readonly close_ms: number;
}

/** Whether 32-bit programs can be built here. */
export function canRunHostile(): boolean {
  const { status } = spawnSync("gcc", ["-m32", "-xc", "-", "-o", "/dev/null"], {
    input: "int main(void) { return 0; }",
  });
  return status === 0;
}

/**
 * @param run runs a program of the SDK's or the compiler; throws if it fails.
 * @throws VerificationError when a machine does harm, or does not end as it must.
 */
export function runHostile(moddable: string, out: string, run: Run): HostileResult {
  makeFolder(out);
  for (const header of HEADERS) writeFile(join(out, "idf", header), '#include "idf.h"\n');
  for (const header of ["lwip/netdb.h", "lwip/inet.h", "nvs_flash/include/nvs_flash.h"]) {
    writeFile(join(out, "idf", header), "");
  }
  run("mcconfig", ["-p", "esp32", "-o", out, join(HOSTILE, "manifest.json")]);
  const linked = join(out, "tmp", "esp32", "release", "hostile");
  const [code, resources] = [join(linked, "mc.xs.c"), join(linked, "mc.resources.c")];
  const header = join(linked, "xsProj-esp32", "build", "config", "sdkconfig.h");
  run("make", ["-f", join(linked, "makefile"), "-B", "-o", header, code, resources]);
  const includes = includesOf(moddable, out, linked);
  compileOwn(includes, run);
  const program = join(out, "hostile");
  const sources = [...engineSources(moddable), code, resources];
  sources.push(join(FIRMWARE, "native", "neighbour.c"), join(HOSTILE, "idf.c"));
  const flags = ["-m32", "-O1", "-std=gnu17", "-w", "-fno-strict-aliasing", "-fno-pie", "-no-pie"];
  run("gcc", [...flags, ...DEFINES, ...includes, ...sources, "-o", program, "-lm", "-lpthread"]);
  return judge(run(program, []));
}

function includesOf(moddable: string, out: string, linked: string): string[] {
  const sdk = ["xs/platforms/esp", "xs/platforms/mc", "xs/includes", "xs/sources", "modules/base/timer"];
  const more = ["modules/base/instrumentation", "modules/io/common", "modules/files/preference"];
  const folders = [join(out, "idf"), ...[...sdk, ...more].map((path) => join(moddable, path)), linked];
  return [
    ...folders.flatMap((folder) => ["-isystem", folder]),
    `-I${HOSTILE}`,
    `-I${join(FIRMWARE, "native")}`,
  ];
}

/** Our C files with all warnings, for chips with and without pulse counters. */
function compileOwn(includes: readonly string[], run: Run): void {
  for (const name of readdirSync(join(FIRMWARE, "native")).filter((file) => file.endsWith(".c"))) {
    for (const chip of [[], ["-DNO_PCNT"]]) {
      const source = join(FIRMWARE, "native", name);
      run("gcc", ["-m32", "-std=gnu17", ...OWN_WARNINGS, ...chip, ...DEFINES, ...includes, source]);
    }
  }
}

function engineSources(moddable: string): string[] {
  const engine = join(moddable, "xs", "sources");
  const platform = ["xs/platforms/esp/xsHost.c", "xs/platforms/mc/xsHosts.c"];
  const modules = ["base/timer/mc/timer.c", "base/timer/modTimer.c", "base/time/esp/modTime.c"];
  return [
    ...readdirSync(engine)
      .filter((file) => file.endsWith(".c") && !LEFT_OUT.includes(file))
      .map((file) => join(engine, file)),
    ...[...platform, ...modules.map((path) => `modules/${path}`), "modules/files/resource/Resource.c"]
      .map((path) => join(moddable, path))
      .filter((path) => existsSync(path)),
  ];
}

function judge(printed: string): HostileResult {
  const lines = printed.split("\n").filter((line) => line.startsWith("{"));
  const reports = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const machines = reports.filter(({ name }) => typeof name === "string");
  for (const { name, alive, said, close_ms } of machines) {
    const expected = EXPECTED[String(name)];
    if (!expected || alive !== expected.alive || said !== expected.said || Number(close_ms) > CLOSE_MS_MAX) {
      throw new VerificationError(
        `neighbour "${name}": alive ${alive}, said "${said}", ended in ${close_ms} ms`,
      );
    }
  }
  const worst_ms = Number(reports.at(-1)?.worst_ms ?? Number.POSITIVE_INFINITY);
  if (machines.length !== RUNS || worst_ms > GAP_MS_MAX) {
    throw new VerificationError(`${machines.length} of ${RUNS} neighbours; turns ${worst_ms} ms apart`);
  }
  return {
    machines: machines.length,
    worst_ms,
    close_ms: Math.max(...machines.map(({ close_ms }) => Number(close_ms))),
  };
}
