import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "./app";
import { fakeHub, Refusal } from "./testing/fake-hub";
import { OPERATOR } from "./testing/samples";

beforeEach(() => {
  localStorage.setItem("gatehouse.preferences", JSON.stringify({ language: "en" }));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function signIn() {
  await userEvent.type(await screen.findByLabelText("Name"), "night_desk");
  await userEvent.type(screen.getByLabelText("Password"), "secret");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
}

describe("the door", () => {
  it("asks nobody's name of the hub before somebody signs in", async () => {
    const asked = fakeHub({});
    render(<App />);
    await screen.findByLabelText("Name");
    expect(asked).toEqual([]);
  });

  it("stays shut for a wrong password and says so", async () => {
    fakeHub({ "POST /api/v1/session": new Refusal(401, "wrong_credentials") });
    render(<App />);
    await signIn();
    expect((await screen.findByRole("alert")).textContent).toContain("Name or password is wrong");
  });

  it("opens for a one-time password only as far as choosing another", async () => {
    const asked = fakeHub({ "POST /api/v1/session": { ...OPERATOR, must_change_password: true } });
    render(<App />);
    await signIn();
    expect(await screen.findByRole("heading", { name: "Choose your password" })).toBeTruthy();
    expect(asked.map(({ method, address }) => `${method} ${address}`)).toEqual(["POST /api/v1/session"]);
  });

  it("does not send a new password that was mistyped", async () => {
    const asked = fakeHub({ "POST /api/v1/session": { ...OPERATOR, must_change_password: true } });
    render(<App />);
    await signIn();
    await userEvent.type(await screen.findByLabelText("One-time password"), "once");
    await userEvent.type(screen.getByLabelText(/^New password, /), "correct horse battery");
    await userEvent.type(screen.getByLabelText("New password again"), "correct horse batter");
    await userEvent.click(screen.getByRole("button", { name: "Set password" }));
    expect(screen.getByText("The two differ")).toBeTruthy();
    expect(asked).toHaveLength(1);
  });

  it("tells somebody without a site what to do", async () => {
    fakeHub({ "POST /api/v1/session": OPERATOR, "GET /api/v1/sites": { sites: [] } });
    render(<App />);
    await signIn();
    expect(await screen.findByText(/The hub knows no site/)).toBeTruthy();
  });
});
