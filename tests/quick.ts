// Where a meter boots thousands of times, it may believe signatures and itself: nearly all of the time would go into
// what has tests of its own. A test file mocks the two modules with these. Nothing that is mocked may be imported here.
import type * as selfTest from "../src/trusted/sealing/self-test.js";
import type * as signature from "../src/trusted/sealing/signature.js";

/** While it is on, and the modules below are mocked with these, known answers and signatures are believed. */
export const quick = { on: false };
export const quickSelfTest = (real: typeof selfTest) => ({
  ...real,
  get SELF_TESTS() {
    return quick.on ? [] : real.SELF_TESTS;
  },
});
export const quickSignature = (real: typeof signature) => {
  const verifyDocument: typeof real.verifyDocument = (...document) =>
    quick.on || real.verifyDocument(...document);
  return { ...real, verifyDocument };
};
