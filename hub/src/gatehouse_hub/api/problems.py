"""Errors as RFC 9457 problems: every refusal has a name for machines and says to a person what to do."""

import logging
from collections.abc import Sequence
from typing import Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gatehouse_hub.api.schemas.parts import FieldProblem, InvalidRequest, Problem
from gatehouse_hub.errors import StoreUnavailableError

PROBLEM_JSON: Final = "application/problem+json"
MAX_FAULTS: Final = 20
_log = logging.getLogger(__name__)

PROBLEMS: Final[dict[str, tuple[int, str, str]]] = {
    "sign_in_required": (401, "Sign in first", "POST /api/v1/session, or send `Authorization: Bearer gh_...`"),
    "wrong_credentials": (401, "Name or password is wrong", "Check both; an administrator can reset the password"),
    "password_change_required": (403, "The password must be changed first", "POST /api/v1/session/password"),
    "not_allowed": (403, "Your role does not allow this", "Ask an administrator for what it needs"),
    "csrf": (403, "The request does not prove that it comes from the console", "Send `csrf` of the session as X-CSRF-Token"),
    "foreign_origin": (403, "The request comes from another origin", "Use the hub's own address, or configure public_urls"),
    "not_found": (404, "There is no such thing, or it is not yours to see", "Check the id and the sites you were given"),
    "method": (405, "This address does not take that method", "See /api/v1/openapi.json"),
    "conflict": (409, "That cannot be done in the present state", "Fetch it again and decide anew"),
    "too_large": (413, "The request is too large", "Send at most 64 KiB"),
    "invalid": (422, "The request does not fit the schema", "Mend the fields listed in `errors`"),
    "too_many_tries": (429, "Too many tries", "Wait for the seconds in the header Retry-After"),
    "too_many_streams": (429, "Too many live streams", "Close another window, or raise max_streams in the configuration"),
    "internal": (500, "The hub failed at this", "Look into the hub's log; the same request may work later"),
    "store_away": (503, "The database does not answer", "Try again in some seconds; /healthz says when it is back"),
}  # fmt: skip
"""Name -> status, title, what to do."""


class ProblemError(Exception):
    """Ends a request with the problem `name`; `detail` replaces the usual advice."""

    def __init__(
        self, name: str, detail: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.name, self.detail, self.headers = name, detail, headers
        super().__init__(name)


def answer(model: BaseModel, status: int = 200) -> Response:
    """The model as JSON. Already validated when built, so FastAPI does not do it again."""
    return Response(model.model_dump_json(by_alias=True), status, media_type="application/json")


def problem_response(
    name: str, detail: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The problem `name` as a response."""
    status, title, advice = PROBLEMS[name]
    problem = Problem(
        type=f"urn:gatehouse:problem:{name}", title=title, status=status, detail=detail or advice
    )
    return Response(problem.model_dump_json(), status, headers, PROBLEM_JSON)


def install_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StoreUnavailableError, _on_store_away)
    app.add_exception_handler(Exception, _on_defect)


def _on_problem(_request: Request, error: Exception) -> Response:
    error = cast(ProblemError, error)
    return problem_response(error.name, error.detail, error.headers)


def _on_http(_request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    name = {404: "not_found", 405: "method", 413: "too_large"}.get(status)
    if name is None:
        name = "invalid" if status < 500 else "internal"
    return problem_response(name)


def _on_invalid(_request: Request, error: Exception) -> Response:
    faults = cast(Sequence[dict[str, object]], cast(RequestValidationError, error).errors())
    status, title, advice = PROBLEMS["invalid"]
    problem = InvalidRequest(
        type="urn:gatehouse:problem:invalid",
        title=title,
        status=status,
        detail=advice,
        # The offending input is not repeated: it may be a password.
        errors=[
            FieldProblem(
                field=".".join(str(p) for p in cast(tuple[object, ...], fault["loc"])),
                message=str(fault["msg"]),
            )
            for fault in faults[:MAX_FAULTS]
        ],
    )
    return Response(problem.model_dump_json(), status, media_type=PROBLEM_JSON)


def _on_store_away(_request: Request, _error: Exception) -> Response:
    return problem_response("store_away", headers={"Retry-After": "5"})


def _on_defect(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response("internal")
