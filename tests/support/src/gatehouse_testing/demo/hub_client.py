"""The hub's API as a person's browser would use it: sign in once, then ask."""

import secrets
from typing import Any

import httpx

API = "/api/v1"


class HubClient:
    """A signed-in session. Raises httpx.HTTPError when the hub does not answer or refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=10)
        self._csrf = ""

    def is_healthy(self) -> bool:
        """Whether the hub answers and its store can be read."""
        try:
            return self._http.get("/healthz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def first_sign_in(self, name: str, one_time: str) -> str:
        """Sign in with a one-time password and change it; the new password."""
        self._sign_in(name, one_time)
        chosen = secrets.token_urlsafe(9)
        self.post("/session/password", {"current": one_time, "new": chosen})
        self._sign_in(name, chosen)
        return chosen

    def get(self, path: str, **params: str | int | bool) -> Any:
        """The JSON at a path below the API."""
        answer = self._http.get(API + path, params=params)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the API answers to an act."""
        answer = self._http.post(API + path, json=body, headers={"X-CSRF-Token": self._csrf})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def page(self) -> str:
        """The console's first page."""
        answer = self._http.get("/")
        answer.raise_for_status()
        return answer.text

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _sign_in(self, name: str, password: str) -> None:
        answer = self._http.post(f"{API}/session", json={"name": name, "password": password})
        answer.raise_for_status()
        self._csrf = answer.json()["csrf"]
