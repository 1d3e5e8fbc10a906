"""`./dev schema [--check]`: write `shared/schema` from the wire's types, or compare.

The files are generated and committed, so that an integrator can read them without running anything and a
change of the wire shows in a review. `--check` writes nothing and names the files that are behind.
"""

from gatehouse_shared.schema import documents
from gatehouse_testing.dev.generated import settle
from gatehouse_testing.dev.paths import PACKAGES

FOLDER = PACKAGES["gatehouse-shared"] / "schema"


def main(argv: list[str]) -> int:
    """Write or compare. Raises StepError when `--check` finds a difference."""
    wanted = {FOLDER / name: text for name, text in documents().items()}
    extra = [p for p in FOLDER.glob("*") if p not in wanted] if FOLDER.exists() else []
    return settle(wanted, extra, argv, remedy="./dev schema")
