import { act, fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import type { Incident } from "../api/types";
import { renderOnSite } from "../testing/render";
import { incident } from "../testing/samples";
import { Queue } from "./Queue";

const A = incident("a", { priority: "P1" });
const B = incident("b", { priority: "P2", kind: "help_button" });
const NEW = incident("c", { priority: "P1", kind: "fire_flame", due_at: "2026-05-04T12:30:00.000Z" });

function renderQueue(openId: string | null = null) {
  const acts = { onOpen: vi.fn(), onAcknowledge: vi.fn(), onResolve: vi.fn() };
  let renew: (incidents: readonly Incident[]) => void = () => undefined;
  function Stage() {
    const [incidents, setIncidents] = useState<readonly Incident[]>([A, B]);
    renew = setIncidents;
    return <Queue {...acts} incidents={incidents} openId={openId} hrefOf={(id) => `/incidents/${id}`} />;
  }
  renderOnSite(<Stage />);
  return { ...acts, renew: (incidents: readonly Incident[]) => renew(incidents) };
}

const rows = () => screen.getAllByRole("link").map((row) => row.dataset.incident);

describe("the queue", () => {
  it("says so when nothing is to be done", () => {
    renderOnSite(
      <Queue
        incidents={[]}
        openId={null}
        hrefOf={() => ""}
        onOpen={() => undefined}
        onAcknowledge={() => undefined}
        onResolve={() => undefined}
      />,
    );
    expect(screen.getByText("Nothing needs you now.")).toBeTruthy();
  });

  it("is walked with j and k, opened with Enter, acted on with a and r", async () => {
    const user = userEvent.setup();
    const { onOpen, onAcknowledge, onResolve } = renderQueue();
    await user.keyboard("j");
    expect(document.activeElement).toBe(screen.getAllByRole("link")[0]);
    await user.keyboard("ja");
    expect(onAcknowledge).toHaveBeenCalledWith(B);
    await user.keyboard("k{Enter}");
    expect(onOpen).toHaveBeenCalledWith("a");
    await user.keyboard("r");
    expect(onResolve).toHaveBeenCalledWith(A);
  });

  it("acts on the open incident when the focus is elsewhere", async () => {
    const { onAcknowledge } = renderQueue("b");
    await userEvent.keyboard("a");
    expect(onAcknowledge).toHaveBeenCalledWith(B);
  });

  it("does not move while the focus is in it, and shows what is new when asked", async () => {
    const user = userEvent.setup();
    const { renew } = renderQueue();
    await user.keyboard("j");
    act(() => renew([A, B, NEW]));
    expect(rows()).toEqual(["a", "b"]);
    await user.click(screen.getByRole("button", { name: "1 new" }));
    expect(rows()).toEqual(["c", "a", "b"]);
  });

  it("does not move while the pointer is over it, and catches up when it leaves", async () => {
    const { renew } = renderQueue();
    const box = document.querySelector(".queue") as HTMLElement;
    fireEvent.pointerEnter(box, { pointerType: "mouse" });
    act(() => renew([B]));
    expect(rows()).toEqual(["a", "b"]);
    expect(screen.getByText("resolved")).toBeTruthy();
    fireEvent.pointerLeave(box);
    expect(rows()).toEqual(["b"]);
  });
});
