"""Files that are generated and committed: write them, or say which are behind."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.dev.steps import StepError, say


def settle(
    wanted: Mapping[Path, str], extra: Iterable[Path], argv: list[str], *, remedy: str
) -> int:
    """Make the files say what is wanted; with `--check` in `argv`, only compare.

    `extra` are files that should not be there. Raises StepError for other arguments, and when `--check`
    finds a difference; `remedy` is the command that mends it.
    """
    if set(argv) - {"--check"}:
        raise StepError("the only option is --check")
    extra = list(extra)
    behind = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    if "--check" in argv:
        if behind or extra:
            names = ", ".join(str(p.relative_to(ROOT)) for p in [*behind, *extra])
            raise StepError(f"behind their source: {names}. Run `{remedy}` and commit")
        return 0
    for path in behind:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    for path in extra:
        path.unlink()
    say(f"{len(behind)} written, {len(extra)} removed, {len(wanted) - len(behind)} unchanged")
    return 0
