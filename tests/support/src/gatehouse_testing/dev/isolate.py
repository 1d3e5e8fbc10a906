"""`./dev isolate`: show that each package works in an environment that holds only it.

Wheels are built from the tree; each goes, with what it declares and nothing else, into an environment of
its own. There every module is imported, the command line is asked for its help, and the libraries that the
package promises to do without are looked for. The tests in tests/architecture/test_isolation.py do the same.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gatehouse_testing.dev.paths import CONSTRAINTS, PACKAGES, VENV_BIN
from gatehouse_testing.dev.steps import must, say


@dataclass(frozen=True, slots=True)
class Promise:
    """What one package promises: to work alone, and without certain libraries.

    `without` are import names. `may_need` are the stages, and the modules of the composition root, that may ask
    for a library of the [vision] extra.
    `program` is its command line, or None.
    """

    distribution: str
    package: str
    without: tuple[str, ...]
    may_need: tuple[str, ...] = ()
    program: str | None = None


VISION = ("cv2", "lap", "numpy", "onnxruntime")
SERVER = ("fastapi", "pydantic", "starlette", "uvicorn")
PROMISES = (
    Promise("gatehouse-shared", "gatehouse_shared", (*VISION, *SERVER, "apsw", "paho", "yaml")),
    Promise(
        "gatehouse-edge",
        "gatehouse_edge",
        (*VISION, *SERVER, "gatehouse_hub", "psycopg"),
        may_need=(
            "sources",
            "gate",
            "inference",
            "tracking",
            "app.cameras",
            "app.flames",
            "app.grid",
            "app.grid_picture",
            "app.plate_makers",
            "app.sight",
            "app.watchers",
        ),
        program="gatehouse-edge",
    ),
    Promise(
        "gatehouse-hub",
        "gatehouse_hub",
        ("cv2", "gatehouse_edge", "lap", "onnxruntime"),
        program="gatehouse-hub",
    ),
)

IMPORT_ALL = f"""
import importlib, importlib.util, pkgutil, sys
package, may_need = sys.argv[1], tuple(sys.argv[2].split(","))
root = importlib.import_module(package)
count, wrong = 0, []
for found in pkgutil.walk_packages(root.__path__, package + "."):
    if found.name.endswith(".__main__"):
        continue
    try:
        importlib.import_module(found.name)
        count += 1
    except ModuleNotFoundError as error:
        inside = found.name.removeprefix(package + ".")
        allowed = any(f"{{inside}}.".startswith(f"{{part}}.") for part in may_need)
        if not allowed or (error.name or "").split(".")[0] not in {VISION!r}:
            wrong.append(f"{{found.name}}: {{error}}")
print(count, "modules imported")
print(*wrong, sep="\\n")
sys.exit(bool(wrong))
"""

LOOK_FOR = """
import importlib.util, sys
there = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
print("there all the same:", *there)
sys.exit(bool(there))
"""


def main(argv: list[str]) -> int:
    """Try every promise, or those whose distribution contains one of the words given."""
    with tempfile.TemporaryDirectory() as room:
        wheels = build_wheels(Path(room) / "wheels")
        for promise in PROMISES:
            if argv and not any(word in promise.distribution for word in argv):
                continue
            python = make_environment(promise, wheels, Path(room) / promise.distribution)
            say(f"{promise.distribution}: {import_all(promise, python).strip()}")
            look_for_the_unwanted(promise, python)
            ask_for_help(promise, python)
    return 0


def build_wheels(folder: Path) -> Path:
    """Wheels of the three products in `folder`."""
    for promise in PROMISES:
        command = [
            str(VENV_BIN / "python"),
            "-m",
            "hatchling",
            "build",
            "-t",
            "wheel",
            "-d",
            str(folder),
        ]
        must(
            command, what=f"building {promise.distribution}", folder=PACKAGES[promise.distribution]
        )
    return folder


def make_environment(promise: Promise, wheels: Path, folder: Path) -> Path:
    """An environment with that package and what it declares; the path of its Python."""
    uv, env = str(VENV_BIN / "uv"), _environment()
    python = folder / "bin" / "python"
    base = [
        uv,
        "venv",
        "--quiet",
        "--no-project",
        "--python",
        str(VENV_BIN / "python"),
        str(folder),
    ]
    must(base, what="making an environment", env=env)
    install = [
        uv, "pip", "install", "--quiet", "--python", str(python), "--find-links", str(wheels),
        "--constraint", str(CONSTRAINTS), promise.distribution,
    ]  # fmt: skip
    must(install, what=f"installing {promise.distribution} alone", folder=wheels, env=env)
    return python


def import_all(promise: Promise, python: Path) -> str:
    """Import every module. Raises StepError with those that fail for want of something."""
    command = [str(python), "-I", "-c", IMPORT_ALL, promise.package, ",".join(promise.may_need)]
    return must(command, what=f"importing all of {promise.package}", folder=python.parent)


def look_for_the_unwanted(promise: Promise, python: Path) -> None:
    """Raises StepError when a library is there that the package promises to do without."""
    command = [str(python), "-I", "-c", LOOK_FOR, *promise.without]
    must(command, what=f"doing without in {promise.distribution}", folder=python.parent)


def ask_for_help(promise: Promise, python: Path) -> None:
    """Raises StepError when the package's program cannot say how it is used."""
    if promise.program:
        program = str(python.parent / promise.program)
        what = f"{promise.program} --help"
        must([program, "--help"], what=what, folder=python.parent, env=_environment())


def _environment() -> dict[str, str]:
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {"UV_SYSTEM_CERTS": "1"} | {k: v for k, v in os.environ.items() if k not in hidden}
