import { describe, expect, it } from "vitest";
import { hazard, incident, zone } from "../testing/samples";
import { boxInside, clearance, fitInto, inside, overlap, type Point, roomiest } from "./geometry";
import { type Labelled, placeLabels, textWidth, wrap } from "./labels";
import { placeMarks } from "./marks";

const SQUARE: readonly Point[] = [
  [0, 0],
  [100, 0],
  [100, 100],
  [0, 100],
];
const ELL: readonly Point[] = [
  [0, 0],
  [100, 0],
  [100, 20],
  [20, 20],
  [20, 100],
  [0, 100],
];

describe("the fit of a plan", () => {
  it("keeps its shape, puts y upwards, and stands in the middle", () => {
    const fit = fitInto([0, 0, 200, 100], 420, 420, 10);
    expect(fit.scale).toBe(2);
    expect(fit.at([0, 0])).toEqual([10, 310]);
    expect(fit.at([200, 100])).toEqual([410, 110]);
  });
});

describe("the roomiest point", () => {
  it("of a square is its middle", () => {
    expect(roomiest(SQUARE)).toEqual([50, 50]);
  });

  it("of an L lies within the L, where the middle of its box does not", () => {
    expect(inside([50, 50], ELL)).toBe(false);
    expect(clearance(roomiest(ELL), ELL)).toBeGreaterThan(9);
  });
});

const FRAME = { x: 0, y: 0, w: 800, h: 600 };
const at = (x: number, y: number, w: number, h: number): readonly Point[] => [
  [x, y],
  [x + w, y],
  [x + w, y + h],
  [x, y + h],
];
const labelled = (id: string, outline: readonly Point[], more: Partial<Labelled> = {}): Labelled => ({
  id,
  outline,
  name: id,
  figure: "",
  isUrgent: false,
  ...more,
});

describe("labels", () => {
  it("stand within a zone that has room", () => {
    const [label] = placeLabels([labelled("Plaza", at(100, 100, 200, 100), { figure: "24" })], FRAME, [], []);
    expect(label).toMatchObject({ lines: ["Plaza"], figure: "24", leader: null, turned: false });
    expect(label && boxInside(label.box, at(100, 100, 200, 100))).toBe(true);
  });

  it("stand upright in a tall narrow zone, Chinese in a column", () => {
    const tall = at(100, 100, 22, 300);
    const [latin] = placeLabels([labelled("East fence", tall)], FRAME, [], []);
    const [chinese] = placeLabels([labelled("east", tall, { name: "东侧围界" })], FRAME, [], []);
    expect(latin?.turned).toBe(true);
    expect(chinese).toMatchObject({ turned: false, lines: ["东", "侧", "围", "界"] });
  });

  it("stand beside a zone that is too small, with a line to it", () => {
    const [label] = placeLabels([labelled("Stage front", at(300, 300, 12, 8))], FRAME, [], []);
    expect(label?.leader).toEqual(roomiest(at(300, 300, 12, 8)));
  });

  it("never cover each other or a mark, and stay on the plan", () => {
    const zones = Array.from({ length: 40 }, (_, n) =>
      labelled(`Zone number ${n}`, at((n % 8) * 50, Math.floor(n / 8) * 40, 48, 38), {
        figure: String(n),
        isUrgent: n % 3 === 0,
      }),
    );
    const marks = [{ x: 60, y: 45, w: 27, h: 27 }];
    const small = { x: 0, y: 0, w: 400, h: 220 };
    const labels = placeLabels(zones, small, marks, []);
    expect(labels.length).toBeGreaterThan(10);
    for (const [n, label] of labels.entries()) {
      expect(marks.some((mark) => overlap(mark, label.box))).toBe(false);
      expect(labels.slice(n + 1).some((other) => overlap(other.box, label.box))).toBe(false);
      expect(label.box.x).toBeGreaterThanOrEqual(0);
      expect(label.box.y + label.box.h).toBeLessThanOrEqual(small.h);
    }
  });

  it("give way to a zone where something is the matter", () => {
    const phone = { x: 0, y: 0, w: 390, h: 400 };
    const ids = placeLabels(
      [
        labelled("Quiet corner", at(100, 100, 10, 10)),
        labelled("Burning shed", at(112, 100, 10, 10), { isUrgent: true }),
      ],
      phone,
      [],
      [],
    ).map(({ id }) => id);
    expect(ids).toEqual(["Burning shed"]);
  });
});

describe("a name in lines", () => {
  it("breaks between words, Chinese into even lines", () => {
    expect(wrap("Main avenue", 60)).toEqual(["Main", "avenue"]);
    expect(wrap("便民集市", 40)).toEqual(["便民", "集市"]);
    expect(wrap("Incomprehensibilities", 60)).toBeNull();
  });

  it("counts a Chinese character as a square", () => {
    expect(textWidth("广场", 12)).toBe(24);
    expect(textWidth("ab", 12)).toBeCloseTo(13.44);
  });
});

describe("marks", () => {
  const zones = [zone("shed_2", SQUARE), zone("lane", at(100, 0, 20, 100))];
  const fit = fitInto([0, 0, 120, 100], 240, 200, 0);

  it("join hazards of one incident at one place under the most urgent", () => {
    const hazards = [
      hazard("b", { incident: "i", grade: 1 }),
      hazard("a", { kind: "thermal_hotspot", incident: "i" }),
    ];
    const marks = placeMarks(hazards, [incident("i", { priority: "P1" })], zones, fit);
    expect(marks).toMatchObject([
      { priority: "P1", kinds: ["thermal_hotspot", "fire_smoke"], incident: "i" },
    ]);
  });

  it("stand where the hazard is, and apart from those of another incident", () => {
    const here = { place: { x_m: 110, y_m: 50, storey: 0 }, zone: "lane" };
    const marks = placeMarks(
      [hazard("a", { ...here, incident: "i" }), hazard("b", { ...here, incident: "j" })],
      [],
      zones,
      fit,
    );
    expect(marks[0]?.at).toEqual(fit.at([110, 50]));
    expect(marks[1]?.at).not.toEqual(marks[0]?.at);
  });

  it("take the grade for the priority of a hazard without an incident", () => {
    const marks = placeMarks([hazard("a", { grade: 4 })], [], zones, fit);
    expect(marks[0]?.priority).toBe("P1");
  });

  it("leave out what is on another storey", () => {
    expect(placeMarks([hazard("a", { zone: "roof" })], [], zones, fit)).toEqual([]);
  });
});
