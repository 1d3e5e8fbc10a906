import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { fakeHub, Refusal } from "../testing/fake-hub";
import { renderOnSite } from "../testing/render";
import { incident, story } from "../testing/samples";
import { IncidentPage } from "./Incident.page";

const OPEN = incident("a1", { priority: "P1" });
const SITE = {
  "GET /api/v1/sites/riverside/occupancy": { site: "riverside", as_of: "", zones: [] },
  "GET /api/v1/sites/riverside/hazards": { site: "riverside", hazards: [] },
  "GET /api/v1/sites/riverside/incidents": { site: "riverside", incidents: [OPEN], next_before: null },
  "GET /api/v1/sites/riverside/gateways": { site: "riverside", as_of: "", gateways: [] },
};

afterEach(() => {
  vi.unstubAllGlobals();
});

it("says what, where, and why the events belong together", async () => {
  fakeHub({ ...SITE, "GET /api/v1/incidents/a1": story(OPEN) });
  renderOnSite(<IncidentPage id="a1" />);
  expect(await screen.findByRole("heading", { name: "Smoke, Shed 2" })).toBeTruthy();
  expect(screen.getByText("Smoke 30 s after a hot spot")).toBeTruthy();
  expect(screen.getByText("P1 because: by its kind")).toBeTruthy();
});

it("acknowledges with a, and then offers only what is left to do", async () => {
  const acknowledged = incident("a1", { state: "acknowledged", acknowledged_by: "night_desk" });
  const answers: Record<string, unknown> = { ...SITE, "GET /api/v1/incidents/a1": story(OPEN) };
  answers["POST /api/v1/incidents/a1/acknowledge"] = acknowledged;
  const asked = fakeHub(answers);
  renderOnSite(<IncidentPage id="a1" />);
  await screen.findByRole("heading", { name: "Smoke, Shed 2" });
  answers["GET /api/v1/incidents/a1"] = story(acknowledged);
  await userEvent.keyboard("a");
  expect(await screen.findByText("Acknowledged by night_desk.")).toBeTruthy();
  expect(asked.filter(({ method }) => method === "POST").map(({ body }) => body)).toEqual([
    { at_site: false },
  ]);
});

it("goes back to the queue with Escape", async () => {
  fakeHub({ ...SITE, "GET /api/v1/incidents/a1": story(OPEN) });
  const history = renderOnSite(<IncidentPage id="a1" />, "/incidents/a1");
  await screen.findByRole("heading", { name: "Smoke, Shed 2" });
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(history.at(-1)).toBe("/"));
});

it("says so when the incident is not there or not theirs", async () => {
  fakeHub({ ...SITE, "GET /api/v1/incidents/a1": new Refusal(404, "not_found") });
  renderOnSite(<IncidentPage id="a1" />);
  expect((await screen.findByRole("alert")).textContent).toContain("not yours to see");
});
