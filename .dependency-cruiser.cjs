// Import direction between the rooms (docs/trusted-unit.md): arrows point one way, and the trusted
// room sees nothing but itself and @noble/*.
const outer = "^(tools|firmware|host-sim)/";
const parties = "^src/(meter|credit|display|customer|supplier|aggregation)/";
const statements = "^src/(tariff|proofs)/";
module.exports = {
  forbidden: [
    {
      name: "trusted-imports-only-itself-and-noble",
      severity: "error",
      from: { path: "^src/trusted/" },
      to: { pathNot: ["^src/trusted/", "^node_modules/@noble/(curves|hashes)/"] },
    },
    {
      name: "statements-do-not-know-the-parties",
      severity: "error",
      from: { path: statements },
      to: { path: [outer, parties] },
    },
    {
      name: "parties-do-not-know-the-hosts",
      severity: "error",
      from: { path: parties },
      to: { path: outer },
    },
    {
      name: "beside-the-unit-there-is-no-network",
      severity: "error",
      from: { path: "^src/(credit|display)/" },
      to: { pathNot: ["^src/(credit|display|tariff|trusted)/", "^node_modules/@noble/hashes/"] },
    },
    {
      name: "src-has-no-platform",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["core", "npm-dev"] },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "default"] },
  },
};
