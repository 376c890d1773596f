// The size and shape of the trusted room: what a notified body reads stays small and plain.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const TRUSTED = fileURLToPath(new URL("../src/trusted", import.meta.url));
/** The plan was 2,500; docs/trusted-unit.md says what has come to need more. */
const TOTAL_LINES_MAX = 3815;
const FUNCTION_LINES_MAX = 60;
/** Most lines a room, without comments and blank lines; "." is the unit's face, ports and dispatch. */
const ROOM_LINES_MAX: Readonly<Record<string, number>> = {
  ".": 670,
  authority: 640,
  blinding: 765,
  encoding: 200,
  journal: 602,
  metrology: 450,
  sealing: 530,
};

const rooms = Object.keys(ROOM_LINES_MAX);
const filesOf = (room: string) =>
  readdirSync(join(TRUSTED, room))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(TRUSTED, room, name));
const allFiles = rooms.flatMap(filesOf);

const parse = (path: string) =>
  ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);

/** Lines on which a token of the language stands. */
function codeLines(source: ts.SourceFile): number {
  const lines = new Set<number>();
  const visit = (node: ts.Node) => {
    if (node.getChildCount(source) === 0 && node.kind !== ts.SyntaxKind.EndOfFileToken) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      for (let line = first; line <= last; line++) lines.add(line);
    }
    for (const child of node.getChildren(source)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(source);
  return lines.size;
}

interface Named {
  readonly name: string;
  readonly lines: number;
  readonly body: ts.Node;
}

function functionsOf(source: ts.SourceFile): Named[] {
  const found: Named[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const [from, to] = [node.getStart(source), node.getEnd()].map(
        (at) => source.getLineAndCharacterOfPosition(at).line,
      ) as [number, number];
      const declared = ts.isVariableDeclaration(node.parent) ? node.parent.name : node.name;
      found.push({ name: declared?.getText(source) ?? "", lines: to - from + 1, body: node.body as ts.Node });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether a function calls itself by name, as `name(...)` or `this.name(...)`. */
function callsItself({ name, body }: Named, source: ts.SourceFile): boolean {
  let found = false;
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText(source);
      if (name !== "" && (callee === name || callee === `this.${name}`)) found = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(body);
  return found;
}

describe("the trusted room", () => {
  it("has no folder without a budget", () => {
    const folders = readdirSync(TRUSTED, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(rooms.filter((room) => room !== ".").sort());
  });

  it.each(rooms)("keeps %s within its lines", (room) => {
    const lines = filesOf(room).reduce((sum, path) => sum + codeLines(parse(path)), 0);
    expect(lines).toBeLessThanOrEqual(ROOM_LINES_MAX[room] ?? 0);
  });

  it("has at most so many lines in all", () => {
    const lines = allFiles.reduce((sum, path) => sum + codeLines(parse(path)), 0);
    expect(lines).toBeLessThanOrEqual(TOTAL_LINES_MAX);
  });

  it("has no function over 60 lines, and none that calls itself", () => {
    const faults = allFiles.flatMap((path) => {
      const source = parse(path);
      return functionsOf(source)
        .filter((named) => named.lines > FUNCTION_LINES_MAX || callsItself(named, source))
        .map(({ name, lines }) => `${path}: ${name} (${lines} lines)`);
    });
    expect(faults).toEqual([]);
  });
});
