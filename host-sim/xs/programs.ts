// The programs that a board runs, as XS modules: the trusted room is the built code that softwareId hashes, to
// the byte, under the name sealmeter/unit; everything else is bundled beside it.
import { build, type Plugin } from "esbuild";
import { trustedBundle, XS_BUNDLE } from "../image.js";

/** The module that holds the trusted room's built code. */
const UNIT_MODULE = "sealmeter/unit";
const CREDIT_MODULE = "sealmeter/credit";
/** The module that a board starts with. */
export const MAIN_MODULE = "main";

/**
 * main: the scenario; operations: what single operations cost; boot: a start on 13 months of journal; boot-credit: the
 * same with credit; blinding: what shares cost; credit: weeks of credit alone; prepaid: the scenario on pre-payment;
 * guarded: the unit beside a network machine; neighbour: that machine.
 */
export type ProgramName =
  | "main"
  | "operations"
  | "boot"
  | "boot-credit"
  | "blinding"
  | "credit"
  | "prepaid"
  | "guarded"
  | "neighbour";

/** Leaves the trusted room and credit out of a bundle: they are modules of their own. */
const apart: Plugin = {
  name: "apart",
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/trusted\/unit\.js$/ }, () => ({ path: UNIT_MODULE, external: true }));
    const ofCredit = /\/(credit\/(companion|valuation)|display\/display)\.js$/;
    onResolve({ filter: ofCredit }, () => ({ path: CREDIT_MODULE, external: true }));
  },
};

/** The built code of the trusted room, as a module. */
export const unitModule = () => [UNIT_MODULE, trustedBundle()] as const;

/** Credit and display, as a module. */
export const creditModule = async () => [CREDIT_MODULE, await bundled("credit-module", [])] as const;

/** A program as one ES2022 module, which may import the unit's and that of credit. */
export const bundleProgram = (name: ProgramName) => bundled(name, [apart]);

async function bundled(name: string, plugins: Plugin[]): Promise<Uint8Array> {
  const entryPoints = [`host-sim/xs/${name}.ts`];
  const { outputFiles } = await build({ ...XS_BUNDLE, entryPoints, plugins });
  const [bundle] = outputFiles;
  if (!bundle) throw new Error(`esbuild gave no bundle of ${name}`);
  return bundle.contents;
}
