// The charge of a tariff as bytes of the signed document (charge.ts has the meaning of its nodes): nested arrays,
// each beginning with the number of its kind. Whatever comes out of here is within all limits and of fitting units.
import { array, type CborReader, int, tstr } from "../trusted/encoding/cbor.js";
import {
  type Blocks,
  COEFFICIENT_MAX,
  COEFFICIENTS,
  CONSTANT_MAX,
  type Constant,
  DEPTH_MAX,
  type Expression,
  FACTOR_MAX,
  isReader,
  misfitOf,
  NODES_MAX,
  nodesOf,
  PARTS_MAX,
  type Per,
  RANGES_MAX,
  type Range,
  READERS_MAX,
  READINGS,
  type Segment,
  STEPS_MAX,
  type Step,
  type Unit,
  unitOf,
} from "./charge.js";
import {
  BANDS_MAX,
  checkPolicies,
  encodeHours,
  encodePolicy,
  type Hours,
  POLICIES_MAX,
  RATE_MAX,
  readHours,
  readObis,
  readPolicy,
  type Validity,
} from "./policy.js";

const Kind = {
  ENERGY: 1,
  COST: 2,
  DEMAND: 3,
  BY_READING: 4,
  SPLINE: 5,
  BLOCKS: 6,
  MIN: 7,
  MAX: 8,
  SUM: 9,
  CONSTANT: 10,
  TIMES: 11,
  WHEN: 12,
} as const;
const KIND_MAX = 12;
/** Items of the array of a kind, itself included, by its number. */
const ITEMS = [0, 3, 2, 4, 4, 4, 5, 2, 2, 2, 4, 3, 5];
const UNITS: readonly Unit[] = ["energy", "power", "money"];
const PERS: readonly Per[] = ["period", "day"];

const list = <T>(items: readonly T[], encode: (item: T) => Uint8Array) => array(...items.map(encode));
const kindOf = (kind: number, ...items: readonly Uint8Array[]) => array(int(kind), ...items);
const encodePer = (per: Per) => int(PERS.indexOf(per));

/** The bytes of an expression, without a check of it: see `readCharge`. */
export function encodeCharge(expression: Expression): Uint8Array {
  switch (expression.kind) {
    case "energy":
      return kindOf(Kind.ENERGY, tstr(expression.obis), list(expression.during, encodeHours));
    case "cost":
      return kindOf(Kind.COST, list(expression.policies, encodePolicy));
    case "demand": {
      const { obis, during, below_Wh } = expression;
      return kindOf(Kind.DEMAND, tstr(obis), list(during, encodeHours), int(below_Wh));
    }
    case "by-reading": {
      const { obis, during, ranges } = expression;
      return kindOf(Kind.BY_READING, tstr(obis), list(during, encodeHours), list(ranges, encodeRange));
    }
    case "spline": {
      const { obis, during, segments } = expression;
      return kindOf(Kind.SPLINE, tstr(obis), list(during, encodeHours), list(segments, encodeSegment));
    }
    case "blocks": {
      const { of, per, steps, rate } = expression;
      return kindOf(Kind.BLOCKS, encodeCharge(of), encodePer(per), list(steps, encodeStep), int(rate));
    }
    case "min":
      return kindOf(Kind.MIN, list(expression.parts, encodeCharge));
    case "max":
      return kindOf(Kind.MAX, list(expression.parts, encodeCharge));
    case "sum":
      return kindOf(Kind.SUM, list(expression.parts, encodeCharge));
    case "constant": {
      const { unit, per, value } = expression;
      return kindOf(Kind.CONSTANT, int(UNITS.indexOf(unit)), encodePer(per), int(value));
    }
    case "times":
      return kindOf(Kind.TIMES, int(expression.ppm), encodeCharge(expression.of));
    case "when": {
      const { quantity, atLeast, met, unmet } = expression;
      return kindOf(Kind.WHEN, ...[quantity, atLeast, met, unmet].map(encodeCharge));
    }
  }
}

const encodeRange = ({ below_Wh, rate }: Range) => array(int(below_Wh), int(rate));
const encodeSegment = ({ below_Wh, coefficients }: Segment) => array(int(below_Wh), list(coefficients, int));
const encodeStep = ({ upTo, rate }: Step) => array(int(upTo), int(rate));

/**
 * The next item, an expression of money.
 * @throws FormatError for malformed bytes, a value out of its range, a part of another unit, more nodes or a
 *   greater depth than the limits allow, or prices that do not cover the validity.
 */
export function readCharge(reader: CborReader, validity: Validity): Expression {
  const expression = readExpression(reader, { nodes: 0 }, 1);
  if (unitOf(expression) !== "money") reader.refuse("a charge that is no money");
  const nodes = nodesOf(expression);
  if (nodes.filter(isReader).length > READERS_MAX) {
    reader.refuse(`more than ${READERS_MAX} nodes that look at each reading`);
  }
  for (const node of nodes) {
    if (node.kind === "cost") checkPolicies(reader, node.policies, validity);
  }
  return expression;
}

/** Counts while an expression is read, so that its size is bounded before its memory is. */
interface Count {
  nodes: number;
}

function readExpression(reader: CborReader, count: Count, depth: number): Expression {
  count.nodes++;
  if (count.nodes > NODES_MAX) reader.refuse(`a charge of more than ${NODES_MAX} nodes`);
  if (depth > DEPTH_MAX) reader.refuse(`a charge more than ${DEPTH_MAX} nodes deep`);
  const items = reader.array(2, 5);
  const kind = reader.uint(KIND_MAX);
  if (items !== ITEMS[kind]) reader.refuse(`no node of kind ${kind} with ${items} items`);
  const expression = readOfKind(reader, kind, () => readExpression(reader, count, depth + 1));
  const misfit = misfitOf(expression);
  if (misfit) reader.refuse(`a part that is ${unitOf(misfit.part)}, not ${misfit.expected}`);
  return expression;
}

/** What follows the number of a kind; `below` reads a node below this one. */
function readOfKind(reader: CborReader, kind: number, below: () => Expression): Expression {
  const parts = () => Array.from({ length: reader.array(2, PARTS_MAX) }, below);
  switch (kind) {
    case Kind.ENERGY:
      return { kind: "energy", obis: readObis(reader), during: readDuring(reader) };
    case Kind.COST: {
      const length = reader.array(1, POLICIES_MAX);
      return { kind: "cost", policies: Array.from({ length }, () => readPolicy(reader)) };
    }
    case Kind.DEMAND: {
      const [obis, during, below_Wh] = [readObis(reader), readDuring(reader), reader.uint(READINGS)];
      if (below_Wh === 0) reader.refuse("a demand of no reading");
      return { kind: "demand", obis, during, below_Wh };
    }
    case Kind.BY_READING: {
      const [obis, during] = [readObis(reader), readDuring(reader)];
      return { kind: "by-reading", obis, during, ranges: readRanges(reader, readRange) };
    }
    case Kind.SPLINE: {
      const [obis, during] = [readObis(reader), readDuring(reader)];
      return { kind: "spline", obis, during, segments: readRanges(reader, readSegment) };
    }
    case Kind.BLOCKS:
      return readBlocks(reader, below());
    case Kind.MIN:
      return { kind: "min", parts: parts() };
    case Kind.MAX:
      return { kind: "max", parts: parts() };
    case Kind.SUM:
      return { kind: "sum", parts: parts() };
    case Kind.CONSTANT:
      return readConstant(reader);
    case Kind.TIMES:
      return { kind: "times", ppm: reader.int(FACTOR_MAX), of: below() };
    case Kind.WHEN: {
      const [quantity, atLeast, met, unmet] = [below(), below(), below(), below()];
      return { kind: "when", quantity, atLeast, met, unmet };
    }
    default:
      return reader.refuse(`no kind ${kind} of node`);
  }
}

const readDuring = (reader: CborReader): Hours[] =>
  Array.from({ length: reader.array(0, BANDS_MAX) }, () => readHours(reader));

/** One or the other of a list by the next item, a number. */
function choose<T>(reader: CborReader, choices: readonly T[]): T {
  const chosen = choices[reader.uint(choices.length - 1)];
  return chosen ?? reader.refuse("no choice");
}

function readRanges<T extends { readonly below_Wh: number }>(
  reader: CborReader,
  read: (reader: CborReader) => T,
): T[] {
  let last = 0;
  return Array.from({ length: reader.array(1, RANGES_MAX) }, () => {
    const range = read(reader);
    if (range.below_Wh <= last) reader.refuse("limits of readings that do not ascend");
    last = range.below_Wh;
    return range;
  });
}

function readRange(reader: CborReader): Range {
  reader.array(2);
  return { below_Wh: reader.uint(READINGS), rate: reader.int(RATE_MAX) };
}

function readSegment(reader: CborReader): Segment {
  reader.array(2);
  const below_Wh = reader.uint(READINGS);
  reader.array(COEFFICIENTS);
  const coefficient = () => reader.int(COEFFICIENT_MAX);
  return { below_Wh, coefficients: [coefficient(), coefficient(), coefficient(), coefficient()] };
}

function readBlocks(reader: CborReader, of: Expression): Blocks {
  const per = choose(reader, PERS);
  let last = -1;
  const steps = Array.from({ length: reader.array(0, STEPS_MAX - 1) }, () => {
    reader.array(2);
    const step = { upTo: reader.uint(CONSTANT_MAX), rate: reader.int(RATE_MAX) };
    if (step.upTo <= last) reader.refuse("limits of steps that do not ascend");
    last = step.upTo;
    return step;
  });
  return { kind: "blocks", of, per, steps, rate: reader.int(RATE_MAX) };
}

function readConstant(reader: CborReader): Constant {
  const unit = choose(reader, UNITS);
  const per = choose(reader, PERS);
  const value = unit === "money" ? reader.int(CONSTANT_MAX) : reader.uint(CONSTANT_MAX);
  return { kind: "constant", unit, per, value };
}
