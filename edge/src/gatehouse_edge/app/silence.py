"""A mark beside the outbox while the hub acknowledges nothing, so that `doctor` can say it while the agent runs."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)


class SilenceMark:
    """One gateway's mark. What an earlier process left is taken away."""

    def __init__(self, outbox: Path) -> None:
        self._path = mark_path(outbox)
        self._silent = False
        self._take_away()

    def show(self, *, silent: bool) -> None:
        """Set or take away the mark where that is news."""
        if silent == self._silent:
            return
        self._silent = silent
        if not silent:
            self._take_away()
            return
        try:
            self._path.touch()
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)

    def close(self) -> None:
        """An agent that has ended hears nothing, and that is no fault."""
        self._take_away()

    def _take_away(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def mark_path(outbox: Path) -> Path:
    """Where the mark of an outbox is."""
    return outbox.with_name(outbox.name + ".unheard")


def silent_since(outbox: Path) -> datetime | None:
    """Since when the running agent says that the hub is silent; None while it does not."""
    try:
        return datetime.fromtimestamp(mark_path(outbox).stat().st_mtime, UTC)
    except OSError:
        return None
