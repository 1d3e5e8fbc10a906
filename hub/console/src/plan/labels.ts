import { type Box, boxInside, boxOf, inside, overlap, type Point, roomiest, within } from "./geometry";

/** A zone to be labelled: its outline in pixels, its name and its figure ("24", "few", or nothing). */
export interface Labelled {
  readonly id: string;
  readonly outline: readonly Point[];
  readonly name: string;
  readonly figure: string;
  /** Something is the matter here: it is placed first, and may stand beside its zone even where that is small. */
  readonly isUrgent: boolean;
}

/** A label that found its place. `leader`: a line to the zone it stands outside of. `turned`: reads upwards. */
export interface Label {
  readonly id: string;
  readonly at: Point;
  readonly lines: readonly string[];
  readonly figure: string;
  readonly turned: boolean;
  readonly leader: Point | null;
  readonly box: Box;
}

export const NAME_PX = 12;
export const FIGURE_PX = 15;
const LINE_PX = 14;
const FIGURE_LINE_PX = 18;
const GAP_PX = 10;
const LINES_MAX = 3;
const STACKED_MAX = 6;
/** A plan narrower than this has no room for names beside the zones that merely have a name. */
const ROOMY_PX = 600;
/** A place beside that lies on another zone, or whose line crosses one, counts as so much farther off. */
const CROSSING_PX = 30;
/** A line longer than this is followed by nobody. */
const FARTHEST_PX = 90;
const WIDE = /[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]/;

/** About how wide a text is drawn: a Chinese character is a square, a Latin letter a good half of one. */
export function textWidth(text: string, fontPx: number): number {
  let em = 0;
  for (const letter of text) em += WIDE.test(letter) ? 1 : 0.56;
  return em * fontPx;
}

/** A text in at most three lines of `width`; null where it does not go. Chinese may break anywhere, and stand in a column. */
export function wrap(text: string, width: number): readonly string[] | null {
  const isWide = WIDE.test(text);
  const lines = isWide ? evenly(text, Math.floor(width / NAME_PX)) : byWords(text, width);
  const most = isWide ? STACKED_MAX : LINES_MAX;
  const fits = lines.length <= most && lines.every((line) => textWidth(line, NAME_PX) <= width);
  return fits ? lines : null;
}

/** Lines of about the same length, none longer than `most` characters. */
function evenly(text: string, most: number): readonly string[] {
  const letters = [...text];
  const lines = Math.ceil(letters.length / Math.max(1, most));
  const each = Math.ceil(letters.length / lines);
  return Array.from({ length: lines }, (_, n) => letters.slice(n * each, (n + 1) * each).join(""));
}

function byWords(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, NAME_PX) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/**
 * Find a place for every label: within its zone if it goes there, lying or standing, else beside it with a line. No label
 * covers another or one of `marks`; it may cover a device of `glyphs` where it has no other place. Where there is no room the
 * name is left out, then the figure; both stay in the tooltip.
 */
export function placeLabels(
  zones: readonly Labelled[],
  frame: Box,
  marks: readonly Box[],
  glyphs: readonly Box[],
): readonly Label[] {
  const placed: Label[] = [];
  const isFree = (box: Box, taken: readonly Box[]) =>
    within(box, frame) &&
    !taken.some((other) => overlap(box, other)) &&
    !placed.some((other) => overlap(box, other.box));
  const all = [...marks, ...glyphs];
  const ranked = [...zones].sort(
    (a, b) => Number(b.isUrgent) - Number(a.isUrgent) || size(b.outline) - size(a.outline),
  );
  const left: Labelled[] = [];
  for (const zone of ranked) {
    const candidates = insideCandidates(zone).filter(({ box }) => boxInside(box, zone.outline));
    const label =
      candidates.find(({ box }) => isFree(box, all)) ?? candidates.find(({ box }) => isFree(box, marks));
    if (label) placed.push(label);
    else left.push(zone);
  }
  for (const zone of left) {
    const others = zones.filter(({ id }) => id !== zone.id).map(({ outline }) => outline);
    const beside = zone.isUrgent || frame.w >= ROOMY_PX ? besideCandidates(zone, others) : [];
    const label = beside.find(({ box }) => isFree(box, all)) ?? bareFigure(zone, (box) => isFree(box, marks));
    if (label) placed.push(label);
  }
  return placed;
}

function size(outline: readonly Point[]): number {
  const { w, h } = boxOf(outline);
  return w * h;
}

const SHIFTS = [0, 0.08, -0.08, 0.16, -0.16, 0.24, -0.24, 0.32, -0.32] as const;
const WIDTHS = [180, 110, 76, 52, 40, 28] as const;

/** Places within a zone, the nearest to where it is roomiest first; narrower lines before standing ones. */
function insideCandidates(zone: Labelled): readonly Label[] {
  const [x, y] = roomiest(zone.outline);
  const box = boxOf(zone.outline);
  const spots = SHIFTS.flatMap((dx) => SHIFTS.map((dy): Point => [x + dx * box.w, y + dy * box.h])).sort(
    (a, b) => Math.hypot(a[0] - x, a[1] - y) - Math.hypot(b[0] - x, b[1] - y),
  );
  const found: Label[] = [];
  for (const lines of wrappings(zone.name)) {
    for (const spot of spots) found.push(label(zone, spot, lines, false));
  }
  if (!WIDE.test(zone.name)) for (const spot of spots) found.push(label(zone, spot, [zone.name], true));
  const column = WIDE.test(zone.name) ? wrap(zone.name, NAME_PX) : null;
  if (column) for (const spot of spots) found.push(label(zone, spot, column, false));
  return found;
}

function wrappings(name: string): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>();
  for (const width of WIDTHS) {
    const lines = wrap(name, width);
    if (lines !== null && lines.length <= LINES_MAX) found.set(lines.join("\n"), lines);
  }
  return [...found.values()];
}

/** Places beside a zone, the nearest and clearest first; where nothing is the matter, only on ground that is no zone's. */
function besideCandidates(zone: Labelled, others: readonly (readonly Point[])[]): readonly Label[] {
  const { x, y, w, h } = boxOf(zone.outline);
  const middle = roomiest(zone.outline);
  const found: Label[] = [];
  for (const width of [180, 90, 60]) {
    const lines = wrap(zone.name, width);
    if (lines === null) continue;
    const { box } = label(zone, [0, 0], lines, false);
    for (const gap of [GAP_PX, 2.4 * GAP_PX, 4 * GAP_PX]) {
      const right = x + w + gap + box.w / 2;
      const left = x - gap - box.w / 2;
      const above = y - gap - box.h / 2;
      const below = y + h + gap + box.h / 2;
      const spots: readonly Point[] = [
        [x + w / 2, above],
        [x + w / 2, below],
        [right, y + h / 2],
        [left, y + h / 2],
        [right, above],
        [left, above],
        [right, below],
        [left, below],
      ];
      for (const spot of spots) found.push(label(zone, spot, lines, false, middle));
    }
  }
  const free = found.map((one) => ({
    one,
    far: farFrom(middle, one),
    crossed: crossings(one, middle, others),
  }));
  return free
    .filter(
      ({ one, far }) => far <= FARTHEST_PX && (zone.isUrgent || liesOn(cornersOf(one.box), others) === 0),
    )
    .sort((a, b) => a.far + CROSSING_PX * a.crossed - (b.far + CROSSING_PX * b.crossed))
    .map(({ one }) => one);
}

/** How many other zones a label beside its zone lies on, and how many its line crosses. */
function crossings({ at, box }: Label, middle: Point, outlines: readonly (readonly Point[])[]): number {
  const line = [0.25, 0.5, 0.75].map(
    (t): Point => [at[0] + t * (middle[0] - at[0]), at[1] + t * (middle[1] - at[1])],
  );
  return liesOn(cornersOf(box), outlines) + liesOn(line, outlines);
}

function cornersOf({ x, y, w, h }: Box): readonly Point[] {
  return [
    [x, y],
    [x + w, y],
    [x, y + h],
    [x + w, y + h],
    [x + w / 2, y + h / 2],
  ];
}

function liesOn(points: readonly Point[], outlines: readonly (readonly Point[])[]): number {
  return outlines.filter((outline) => points.some((point) => inside(point, outline))).length;
}

function farFrom([x, y]: Point, { at }: Label): number {
  return Math.hypot(at[0] - x, at[1] - y);
}

function bareFigure(zone: Labelled, isFree: (box: Box) => boolean): Label | null {
  if (zone.figure === "") return null;
  const bare = label(zone, roomiest(zone.outline), [], false);
  return isFree(bare.box) ? bare : null;
}

function label(
  zone: Labelled,
  at: Point,
  lines: readonly string[],
  turned: boolean,
  leader: Point | null = null,
): Label {
  const wide =
    Math.max(textWidth(zone.figure, FIGURE_PX), ...lines.map((line) => textWidth(line, NAME_PX))) + 4;
  const high = lines.length * LINE_PX + (zone.figure === "" ? 0 : FIGURE_LINE_PX) + 2;
  const [w, h] = turned ? [high, wide] : [wide, high];
  const box = { x: at[0] - w / 2, y: at[1] - h / 2, w, h };
  return { id: zone.id, at, lines, figure: zone.figure, turned, leader, box };
}
