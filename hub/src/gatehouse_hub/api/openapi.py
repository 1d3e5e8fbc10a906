"""The OpenAPI document, written for the console's types and for integrators; `--check` says whether it is current."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from gatehouse_hub.api.application import create_application
from gatehouse_hub.api.problems import PROBLEM_JSON
from gatehouse_hub.api.schemas.live import LiveBye, LiveChange, LiveHeartbeat, LiveHello

REF: Final = "#/components/schemas/{model}"
STREAM_PATH: Final = "/api/v1/live"
METRICS_PATH: Final = "/metrics"
LIVE_MODELS: Final = (LiveHello, LiveChange, LiveHeartbeat, LiveBye)


def openapi_tree() -> dict[str, Any]:
    """The document. Refusals are `application/problem+json`; the data of the live stream are among the schemas."""
    tree = create_application().openapi()
    for path in tree["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and "content" in response:
                    response["content"] = {PROBLEM_JSON: response["content"]["application/json"]}
    _, live = models_json_schema(
        [(model, "serialization") for model in LIVE_MODELS], ref_template=REF
    )
    tree["components"]["schemas"] |= live["$defs"]
    tree["components"]["schemas"] = dict(sorted(tree["components"]["schemas"].items()))
    tree["paths"][STREAM_PATH]["get"]["responses"]["200"]["content"] = {
        "text/event-stream": {"schema": {"type": "string"}}
    }
    tree["paths"][METRICS_PATH]["get"]["responses"]["200"]["content"] = {
        "text/plain": {"schema": {"type": "string"}}
    }
    return tree


def write_openapi(path: Path, *, check: bool) -> bool:
    """Write the document to `path`; with `check` only say whether it stands there already."""
    text = json.dumps(openapi_tree(), indent=2, ensure_ascii=False) + "\n"
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """`[--check] PATH`. Exit code 1 when the file is not current."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    check = "--check" in words
    paths = [Path(word) for word in words if word != "--check"]
    path = paths[0] if paths else Path("hub/console/openapi.json")
    if write_openapi(path, check=check):
        return 0
    sys.stderr.write(f"{path} is not current; run `./dev schema`\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
