// Vectors of points, one after the other in memory.
import { addPoint, doublePoint, isIdentity, isTorsion, negatePoint, POINT, Point } from "./point";

/** r = a + b, point by point. */
export function addAll(r: Point, a: Point, b: Point, count: usize): void {
  const end = count * POINT;
  for (let at: usize = 0; at < end; at += POINT) addPoint(r + at, a + at, b + at);
}

export function negateAll(r: Point, points: Point, count: usize): void {
  const end = count * POINT;
  for (let at: usize = 0; at < end; at += POINT) negatePoint(r + at, points + at);
}

export function doubleAll(r: Point, points: Point, count: usize): void {
  const end = count * POINT;
  for (let at: usize = 0; at < end; at += POINT) doublePoint(r + at, points + at);
}

/** Whether all are the identity of ristretto255. */
export function areIdentity(points: Point, count: usize): bool {
  const end = count * POINT;
  for (let at: usize = 0; at < end; at += POINT) if (!isIdentity(points + at)) return false;
  return true;
}

/** Whether 8 times each is the neutral point. */
export function areTorsion(points: Point, count: usize): bool {
  const end = count * POINT;
  for (let at: usize = 0; at < end; at += POINT) if (!isTorsion(points + at)) return false;
  return true;
}
