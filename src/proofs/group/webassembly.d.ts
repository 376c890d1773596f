// The little of the WebAssembly interface (W3C, "WebAssembly JavaScript Interface") that is used here: engines have it,
// but TypeScript declares it with the browser's DOM only. Exports are typed by whoever knows the module.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { readonly module: string; readonly name: string }[];
  }

  class Memory {
    readonly buffer: ArrayBuffer;
    /** Adds pages of 64 KiB; throws if that is more than the module's maximum. */
    grow(pages: number): number;
  }

  class Instance<Exports> {
    readonly exports: Exports;
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
  }
}
