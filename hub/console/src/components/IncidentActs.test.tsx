import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { ProblemError } from "../api/client";
import type { Incident } from "../api/types";
import { renderOnSite } from "../testing/render";
import { incident } from "../testing/samples";
import { IncidentActs } from "./IncidentActs";

function renderActs(of: Incident, isResolving = false, error: Error | null = null) {
  const acts = { onAcknowledge: vi.fn(), onResolving: vi.fn(), onResolve: vi.fn() };
  renderOnSite(
    <IncidentActs
      {...acts}
      incident={of}
      isBusy={false}
      error={error}
      isResolving={isResolving}
      isToldAtSite={false}
    />,
  );
  return acts;
}

describe("what can be done with an incident", () => {
  it("is to acknowledge it from here or at the site, and to resolve it", async () => {
    const { onAcknowledge, onResolving } = renderActs(incident("a"));
    await userEvent.click(screen.getByRole("button", { name: /Acknowledge/ }));
    await userEvent.click(screen.getByRole("button", { name: /I am at the site/ }));
    await userEvent.click(screen.getByRole("button", { name: /Resolve/ }));
    expect(onAcknowledge.mock.calls).toEqual([[false], [true]]);
    expect(onResolving).toHaveBeenCalledWith(true);
  });

  it("is to be at the site or to resolve it once somebody has acknowledged it", () => {
    renderActs(incident("a", { state: "acknowledged", acknowledged_by: "li" }));
    expect(screen.queryByRole("button", { name: /Acknowledge/ })).toBeNull();
    expect(screen.getByRole("button", { name: /I am at the site/ })).toBeTruthy();
    expect(screen.getByText("Acknowledged by li.")).toBeTruthy();
  });

  it("is nothing once it is resolved", () => {
    renderActs(incident("a", { state: "resolved", resolved_by: "li", cause: "test" }));
    expect(screen.queryAllByRole("button")).toEqual([]);
    expect(screen.getByText("Resolved by li: test.")).toBeTruthy();
  });

  it("says in words why the hub refused", () => {
    renderActs(incident("a"), false, new ProblemError("conflict", 409, "x"));
    expect(screen.getByRole("alert").textContent).toContain("present state");
  });
});

describe("resolving", () => {
  it("wants a cause, takes it by number, and sends it with Enter", async () => {
    const { onResolve } = renderActs(incident("a"), true);
    const send = screen.getByRole<HTMLButtonElement>("button", { name: /Resolve/ });
    expect(send.disabled).toBe(true);
    await userEvent.keyboard("2");
    expect(screen.getByRole<HTMLInputElement>("radio", { name: /false alarm/ }).checked).toBe(true);
    await userEvent.keyboard("{Enter}");
    expect(onResolve).toHaveBeenCalledWith("false_alarm", "");
  });

  it("sends the operator's note, in which letters are letters", async () => {
    const { onResolve } = renderActs(incident("a"), true);
    await userEvent.click(screen.getByRole("radio", { name: /^real/ }));
    await userEvent.type(screen.getByRole("textbox"), "a charger, r 2");
    await userEvent.click(screen.getByRole("button", { name: /Resolve/ }));
    expect(onResolve).toHaveBeenCalledWith("real", "a charger, r 2");
  });

  it("is left with Escape", async () => {
    const { onResolving } = renderActs(incident("a"), true);
    await userEvent.keyboard("{Escape}");
    expect(onResolving).toHaveBeenCalledWith(false);
  });
});
