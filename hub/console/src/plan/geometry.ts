/** Points and boxes of the plan. Metres have y upwards, pixels y downwards. */
export type Point = readonly [number, number];

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Turns metres into pixels: the whole of `bounds` fitted into a box, in the middle, with a margin. */
export interface Fit {
  readonly scale: number;
  readonly at: (point: Point) => Point;
}

/** Fit `bounds` (min x, min y, max x, max y in metres) into `width` x `height` pixels. */
export function fitInto(bounds: readonly number[], width: number, height: number, margin: number): Fit {
  const [x0 = 0, y0 = 0, x1 = 1, y1 = 1] = bounds;
  const w = Math.max(x1 - x0, 1);
  const h = Math.max(y1 - y0, 1);
  const scale = Math.max(0.01, Math.min((width - 2 * margin) / w, (height - 2 * margin) / h));
  const left = (width - w * scale) / 2;
  const top = (height - h * scale) / 2;
  return { scale, at: ([x, y]) => [left + (x - x0) * scale, top + (y1 - y) * scale] };
}

/** The box round some points. */
export function boxOf(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y };
}

/** Whether two boxes share more than an edge. */
export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Whether `inner` lies within `outer`. */
export function within(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.w <= outer.x + outer.w &&
    inner.y + inner.h <= outer.y + outer.h
  );
}

/** Whether a point lies in a polygon. */
export function inside([x, y]: Point, polygon: readonly Point[]): boolean {
  let is = false;
  polygon.forEach(([xi, yi], i) => {
    const [xj, yj] = polygon[(i + polygon.length - 1) % polygon.length] ?? [xi, yi];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) is = !is;
  });
  return is;
}

/** How far a point is from the nearest edge; negative outside. */
export function clearance(point: Point, polygon: readonly Point[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  polygon.forEach((a, i) => {
    nearest = Math.min(nearest, toSegment(point, a, polygon[(i + 1) % polygon.length] ?? a));
  });
  return inside(point, polygon) ? nearest : -nearest;
}

function toSegment([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const dx = bx - ax;
  const dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

const STEPS = 24;

/** The point of a polygon farthest from its edges, to a 24th of its size: where a label has the most room. */
export function roomiest(polygon: readonly Point[]): Point {
  const { x, y, w, h } = boxOf(polygon);
  let best: Point = [x + w / 2, y + h / 2];
  let room = clearance(best, polygon);
  for (let i = 1; i < STEPS; i += 1) {
    for (let j = 1; j < STEPS; j += 1) {
      const point: Point = [x + (w * i) / STEPS, y + (h * j) / STEPS];
      const here = clearance(point, polygon);
      if (here > room * 1.02 + 0.01) {
        best = point;
        room = here;
      }
    }
  }
  return best;
}

/** Whether a whole box lies in a polygon, tested at its corners and the middles of its sides. */
export function boxInside({ x, y, w, h }: Box, polygon: readonly Point[]): boolean {
  return [0, 0.5, 1].every((i) => [0, 0.5, 1].every((j) => inside([x + w * i, y + h * j], polygon)));
}
