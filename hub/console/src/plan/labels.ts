import { type Box, boxInside, boxOf, overlap, type Point, roomiest, within } from "./geometry";

/** A zone to be labelled: its outline in pixels, its name and its figure ("24", "few", or nothing). */
export interface Labelled {
  readonly id: string;
  readonly outline: readonly Point[];
  readonly name: string;
  readonly figure: string;
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
const WIDE = /[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]/;

/** About how wide a text is drawn: a Chinese character is a square, a Latin letter a good half of one. */
export function textWidth(text: string, fontPx: number): number {
  let em = 0;
  for (const letter of text) em += WIDE.test(letter) ? 1 : 0.56;
  return em * fontPx;
}

/** A text in at most three lines of `width`; null where it does not go. Chinese may break anywhere. */
export function wrap(text: string, width: number): readonly string[] | null {
  const words = WIDE.test(text) ? [...text] : text.split(" ");
  const joint = WIDE.test(text) ? "" : " ";
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last}${joint}${word}`;
    if (last !== undefined && textWidth(longer, NAME_PX) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const fits = lines.length <= LINES_MAX && lines.every((line) => textWidth(line, NAME_PX) <= width);
  return fits ? lines : null;
}

/**
 * Find a place for every label: within its zone if it goes there, lying or standing, else beside it with a line. No label
 * covers another or one of `taken`. Where there is no room the name is left out, then the figure; both stay in the tooltip.
 */
export function placeLabels(zones: readonly Labelled[], frame: Box, taken: readonly Box[]): readonly Label[] {
  const placed: Label[] = [];
  const isFree = (box: Box) =>
    within(box, frame) &&
    !taken.some((other) => overlap(box, other)) &&
    !placed.some((other) => overlap(box, other.box));
  const bySize = [...zones].sort((a, b) => size(b.outline) - size(a.outline));
  const left: Labelled[] = [];
  for (const zone of bySize) {
    const label = insideCandidates(zone).find(({ box }) => isFree(box) && boxInside(box, zone.outline));
    if (label) placed.push(label);
    else left.push(zone);
  }
  for (const zone of left) {
    const label = besideCandidates(zone).find(({ box }) => isFree(box)) ?? bareFigure(zone, isFree);
    if (label) placed.push(label);
  }
  return placed;
}

function size(outline: readonly Point[]): number {
  const { w, h } = boxOf(outline);
  return w * h;
}

function insideCandidates(zone: Labelled): readonly Label[] {
  const [x, y] = roomiest(zone.outline);
  const box = boxOf(zone.outline);
  const found: Label[] = [];
  const shifts = [0, 0.12, -0.12, 0.24, -0.24, 0.34, -0.34];
  for (const width of [180, 110, 76, 52]) {
    const lines = wrap(zone.name, width);
    if (lines === null) continue;
    for (const shift of shifts) found.push(label(zone, [x, y + shift * box.h], lines, false));
    for (const shift of shifts) found.push(label(zone, [x + shift * box.w, y], lines, false));
  }
  for (const shift of shifts) found.push(label(zone, [x, y + shift * box.h], [zone.name], true));
  return found;
}

function besideCandidates(zone: Labelled): readonly Label[] {
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
  return found;
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
