"""The built console, served from the package: files with hashed names for ever, the page itself never from a cache."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

from gatehouse_hub.api.problems import problem_response

ASSETS: Final = "assets"
"""Folder in which the build puts files with a hash in their name."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
NEVER: Final = "no-cache"
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Gatehouse</title>
<h1>The console is not built</h1>
<p>The hub runs, and its API answers under <code>/api/v1</code>.</p>
<p>To build the console run <code>./dev console</code> in the repository, then load this page again.</p>
</html>
"""
_RESERVED: Final = ("api/", "assets/", "metrics", "healthz")


class HashedFiles(StaticFiles):
    """Files that never change under their name."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """The file, to be kept for ever."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = FOR_EVER
        return response


def install_console(app: FastAPI, static: Path) -> None:
    """Serve the console at `/` and at every path of its own; where it is not built, a page that says how to."""
    app.mount(f"/{ASSETS}", HashedFiles(directory=static / ASSETS, check_dir=False), "assets")

    @app.get("/{path:path}", include_in_schema=False)
    def show_page(path: str) -> Response:
        if path.startswith(_RESERVED):
            return problem_response("not_found")
        index = static / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT, status_code=503, headers={"Cache-Control": NEVER})
        file = _file_at_root(static, path)
        return FileResponse(file or index, headers={"Cache-Control": NEVER})

    _ = show_page


def _file_at_root(static: Path, path: str) -> Path | None:
    """A file beside the page, such as its icon; never anything in a folder or outside."""
    if not path or "/" in path or "\\" in path or path.startswith("."):
        return None
    file = static / path
    return file if file.is_file() else None
