import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { GapFigure, GapReport as Report } from "../api/types";
import { renderOnSite } from "../testing/render";
import { GapReport } from "./GapReport";

const EPOCH = "00112233445566aa";

function report(more: Partial<Report> = {}): Report {
  return {
    gateway: "gw_1",
    site: "riverside",
    as_of: "2026-05-04T12:41:00.000Z",
    heard_at: "2026-05-04T12:41:00.000Z",
    complete: true,
    missing: 0,
    on_the_way: 0,
    lanes: [
      {
        epoch: EPOCH,
        lane: "bulk",
        last: 90,
        upto: 90,
        stored: 90,
        unaccounted: 0,
        waiting: 0,
        quarantined: 0,
      },
    ],
    gaps: [],
    more_gaps: false,
    ...more,
  };
}

function gap(more: Partial<GapFigure> = {}): GapFigure {
  return {
    epoch: EPOCH,
    lane: "bulk",
    from_seq: 5,
    to_seq: 41,
    reason: "dropped_bytes",
    count: 37,
    at: "2026-05-04T12:00:00.000Z",
    after: "2026-05-04T11:02:00.000Z",
    before: "2026-05-04T11:40:00.000Z",
    ...more,
  };
}

describe("what came through of a gateway", () => {
  it("is said plainly to be complete when nothing is missing", () => {
    renderOnSite(<GapReport report={report()} />);
    expect(screen.getByText(/^Complete: everything/)).toBeTruthy();
    expect(screen.queryByRole("list")).toBeNull();
  });

  it("says how many are gone, why, and when they were written", () => {
    renderOnSite(<GapReport report={report({ complete: false, missing: 37, gaps: [gap()] })} />);
    expect(screen.getByText("37 messages are missing and will not come.")).toBeTruthy();
    expect(screen.getByRole("listitem").textContent).toMatch(
      /^37 readings: dropped, because the disk space for them was full · .*19:02–19:40$/,
    );
  });

  it("does not call what was merged a loss", () => {
    renderOnSite(<GapReport report={report({ gaps: [gap({ reason: "merged", count: 1 })] })} />);
    expect(screen.getByText(/^Complete/)).toBeTruthy();
    expect(screen.getByRole("listitem").textContent).toContain("1 reading: merged");
  });

  it("says what is on its way, and when a gap was told where nothing lies beside it", () => {
    const lone = gap({ after: null, before: null, count: 1 });
    renderOnSite(
      <GapReport report={report({ complete: false, missing: 1, on_the_way: 12, gaps: [lone] })} />,
    );
    expect(screen.getByText(/12 messages are still on their way/)).toBeTruthy();
    expect(screen.getByRole("listitem").textContent).toContain("told");
  });

  it("says when nothing has ever come", () => {
    renderOnSite(<GapReport report={report({ complete: false, lanes: [] })} />);
    expect(screen.getByText("Nothing of it has come yet.")).toBeTruthy();
  });
});
