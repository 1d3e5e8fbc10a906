import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SitePlan, ZoneOccupancy } from "../api/types";
import { renderOnSite } from "../testing/render";
import { hazard, incident, PLAN, zone } from "../testing/samples";
import { SitePlanView } from "./SitePlanView";

/** Tells at once that what it watches is 800 by 600 pixels: the test's page has no layout of its own. */
class SizeAtOnce implements ResizeObserver {
  constructor(private readonly tell: ResizeObserverCallback) {}
  observe() {
    this.tell([{ contentRect: { width: 800, height: 600 } } as ResizeObserverEntry], this);
  }
  unobserve() {}
  disconnect() {}
}

beforeEach(() => {
  vi.stubGlobal("ResizeObserver", SizeAtOnce);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function occupancy(id: string, more: Partial<ZoneOccupancy>): ZoneOccupancy {
  return {
    zone: id,
    level: null,
    count: null,
    low: null,
    high: null,
    window_start: null,
    window_s: null,
    age_s: 12,
    sight: "live",
    sources: [],
    ...more,
  };
}

const shape = (id: string) => document.querySelector(`[data-zone=${id}]`);

function renderPlan(plan: SitePlan, zones: readonly ZoneOccupancy[], onOpen = vi.fn()) {
  renderOnSite(
    <SitePlanView
      plan={plan}
      zones={zones}
      hazards={[hazard("h1", { incident: "i1" })]}
      incidents={[incident("i1", { priority: "P1" })]}
      devices={[]}
      openId={null}
      hrefOf={(id) => `/incidents/${id}`}
      onOpen={onOpen}
    />,
  );
  return onOpen;
}

describe("the plan of a site", () => {
  it("shades a zone by its level and writes its number into it", () => {
    renderPlan(PLAN, [occupancy("plaza", { level: 3, count: 640, low: 560, high: 720 })]);
    expect(shape("plaza")?.classList.contains("level-3")).toBe(true);
    expect(shape("plaza")?.textContent).toContain("between 560 and 720");
    expect(screen.getByText("640")).toBeTruthy();
  });

  it("says few where the hub says few, never a small number", () => {
    renderPlan(PLAN, [occupancy("plaza", { level: 0, count: "few", low: null, high: null })]);
    expect(screen.getByText("few")).toBeTruthy();
  });

  it("draws what nothing sees as a hole, never as 0", () => {
    renderPlan(PLAN, [occupancy("plaza", { sight: "blind", age_s: 7_200 })]);
    expect(shape("plaza")?.classList.contains("is-blind")).toBe(true);
    expect(shape("plaza")?.textContent).toContain("Last figure: 2 h ago");
    expect(screen.queryByText("0")).toBeNull();
  });

  it("marks a hazard with the priority of its incident, which the mark opens", async () => {
    const onOpen = renderPlan(PLAN, []);
    await userEvent.click(screen.getByRole("link", { name: "P1 Smoke: Shed 2" }));
    expect(onOpen).toHaveBeenCalledWith("i1");
  });

  it("shows one storey at a time, the ground first", async () => {
    const roof = zone("roof", PLAN.zones[0]?.polygon ?? [], { storey: 3 });
    renderPlan({ ...PLAN, zones: [...PLAN.zones, roof] }, []);
    expect(shape("roof")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "3" }));
    expect(shape("roof")).not.toBeNull();
    expect(shape("plaza")).toBeNull();
  });
});
