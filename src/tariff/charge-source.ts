// The charge of a tariff as people write it (docs/examples): an expression whose nodes are told apart by the field
// that names them, in kWh, kW and whole currency. A node that is none, or counts what cannot stand in its place, is
// refused by its path.
import {
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
  type Parts,
  type Per,
  RANGES_MAX,
  READERS_MAX,
  READINGS,
  type Segment,
  STEPS_MAX,
  type Unit,
  unitOf,
} from "./charge.js";
import type { JsonNode } from "./json.js";
import { POLICIES_MAX, type Validity } from "./policy.js";
import { readDuring, readEnergy, readObis, readRate } from "./policy-source.js";

/** Decimal places that are exact: of kWh in Wh, of currency in nano, of a factor in ppm, of a coefficient. */
const QUANTITY_PLACES = 3;
const AMOUNT_PLACES = 9;
const FACTOR_PLACES = 6;
const COEFFICIENT_PLACES = 9;

const NAMES: Readonly<Record<Unit, string>> = { energy: "kWh", power: "kW", money: "an amount of money" };

/** How a kind of node is read, by the field that names it. */
type Read = (node: JsonNode, below: (node: JsonNode) => Expression, validity: Validity) => Expression;

const readers: Readonly<Record<string, Read>> = {
  energy: (node) => {
    node.fields(["energy"], ["during"]);
    return { kind: "energy", ...readChannel(node, "energy") };
  },
  cost: (node, _, validity) => {
    node.fields(["cost"]);
    const entries = node.field("cost").entries(1, POLICIES_MAX);
    return { kind: "cost", policies: entries.map((entry) => readEnergy(entry, validity)) };
  },
  demand: (node) => {
    node.fields(["demand"], ["during", "below"]);
    const below_Wh = node.has("below") ? readLimit(node) : READINGS;
    return { kind: "demand", ...readChannel(node, "demand"), below_Wh };
  },
  byReading: (node) => {
    node.fields(["byReading", "ranges"], ["during"]);
    const ranges = readRanges(node.field("ranges"), (range) => {
      range.fields(["below", "rate"]);
      return { below_Wh: readLimit(range), rate: readRate(range.field("rate")) };
    });
    return { kind: "by-reading", ...readChannel(node, "byReading"), ranges };
  },
  spline: (node) => {
    node.fields(["spline", "segments"], ["during"]);
    return {
      kind: "spline",
      ...readChannel(node, "spline"),
      segments: readRanges(node.field("segments"), readSegment),
    };
  },
  blocks: readBlocks,
  min: readParts("min"),
  max: readParts("max"),
  sum: readParts("sum"),
  amount: readConstant("amount", "money"),
  kWh: readConstant("kWh", "energy"),
  kW: readConstant("kW", "power"),
  times: (node, below) => {
    node.fields(["times", "of"]);
    const ppm = node.field("times").decimal(FACTOR_PLACES, -FACTOR_MAX, FACTOR_MAX);
    return { kind: "times", ppm, of: below(node.field("of")) };
  },
  when: (node, below) => {
    node.fields(["when", "atLeast", "then", "else"]);
    return {
      kind: "when",
      quantity: below(node.field("when")),
      atLeast: below(node.field("atLeast")),
      met: below(node.field("then")),
      unmet: below(node.field("else")),
    };
  },
};

/**
 * Reads a charge.
 * @throws FormatError naming the place in the JSON and what is expected there.
 */
export function readCharge(node: JsonNode, validity: Validity): Expression {
  let nodes = 0;
  const read = (place: JsonNode, depth: number): Expression => {
    if (++nodes > NODES_MAX) place.refuse(`at most ${NODES_MAX} nodes in all`);
    if (depth > DEPTH_MAX) place.refuse(`at most ${DEPTH_MAX} nodes above one another`);
    const places = new Map<Expression, JsonNode>();
    const below = (part: JsonNode) => {
      const expression = read(part, depth + 1);
      places.set(expression, part);
      return expression;
    };
    const expression = readNode(place, below, validity);
    const misfit = misfitOf(expression);
    if (misfit) {
      const expected = misfit.expected === "energy or power" ? "kWh or kW" : NAMES[misfit.expected];
      places.get(misfit.part)?.refuse(`something that counts ${expected}`);
    }
    return expression;
  };
  const charge = read(node, 1);
  if (unitOf(charge) !== "money") node.refuse(`something that counts ${NAMES.money}`);
  if (nodesOf(charge).filter(isReader).length > READERS_MAX) {
    node.refuse(`at most ${READERS_MAX} of demand, byReading and spline`);
  }
  return charge;
}

function readNode(node: JsonNode, below: (node: JsonNode) => Expression, validity: Validity): Expression {
  const names = Object.keys(readers);
  const [name, ...more] = names.filter((candidate) => node.has(candidate));
  const read = name !== undefined && more.length === 0 ? readers[name] : undefined;
  return read ? read(node, below, validity) : node.refuse(`one of the fields ${names.join(" ")}`);
}

function readChannel(node: JsonNode, name: string) {
  const during = node.has("during") ? readDuring(node.field("during")) : [];
  return { obis: readObis(node.field(name)), during };
}

const readLimit = (node: JsonNode) => node.field("below").decimal(QUANTITY_PLACES, 1, READINGS);

/** Ranges of readings, whose limits ascend. */
function readRanges<T extends { readonly below_Wh: number }>(
  list: JsonNode,
  read: (node: JsonNode) => T,
): T[] {
  let last = 0;
  return list.items(1, RANGES_MAX).map((item) => {
    const range = read(item);
    if (range.below_Wh <= last) item.field("below").refuse("a limit above the one before it");
    last = range.below_Wh;
    return range;
  });
}

function readSegment(node: JsonNode): Segment {
  node.fields(["below", "coefficients"]);
  const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = node
    .field("coefficients")
    .items(1, COEFFICIENTS)
    .map((item) => item.decimal(COEFFICIENT_PLACES, -COEFFICIENT_MAX, COEFFICIENT_MAX));
  return { below_Wh: readLimit(node), coefficients: [c0, c1, c2, c3] };
}

function readPer(node: JsonNode): Per {
  const per = node.match(/^(period|day)$/, '"period" or "day"');
  return per === "day" ? "day" : "period";
}

function readBlocks(node: JsonNode, below: (node: JsonNode) => Expression): Expression {
  node.fields(["blocks", "steps"], ["per"]);
  const items = node.field("steps").items(1, STEPS_MAX);
  const [last, ...others] = [...items].reverse();
  if (last?.has("upTo") !== false) return node.field("steps").refuse('a last step without "upTo"');
  last.fields(["rate"]);
  let least = -1;
  const steps = others.reverse().map((item) => {
    item.fields(["upTo", "rate"]);
    const upTo = item.field("upTo").decimal(QUANTITY_PLACES, 0, CONSTANT_MAX);
    if (upTo <= least) item.field("upTo").refuse("a limit above the one before it");
    least = upTo;
    return { upTo, rate: readRate(item.field("rate")) };
  });
  return {
    kind: "blocks",
    of: below(node.field("blocks")),
    per: node.has("per") ? readPer(node.field("per")) : "period",
    steps,
    rate: readRate(last.field("rate")),
  };
}

function readParts(kind: Parts["kind"]): Read {
  return (node, below) => {
    node.fields([kind]);
    return { kind, parts: node.field(kind).items(2, PARTS_MAX).map(below) };
  };
}

function readConstant(name: string, unit: Unit): Read {
  const [places, least] = unit === "money" ? [AMOUNT_PLACES, -CONSTANT_MAX] : [QUANTITY_PLACES, 0];
  return (node): Constant => {
    node.fields([name], ["per"]);
    const value = node.field(name).decimal(places, least, CONSTANT_MAX);
    return { kind: "constant", unit, per: node.has("per") ? readPer(node.field("per")) : "period", value };
  };
}
