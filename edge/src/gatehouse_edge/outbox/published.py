"""Up to which number the hub may have seen bulk rows of each epoch, over restarts too. Rows beyond may still be written anew.

Kept      in the state of the file, PUBLISHED_AHEAD numbers ahead of what goes out, so that one write serves many rows. It is
          written before a row goes out: what is not noted is not sent.
Unknown   of an epoch that the state does not name, everything that was there at opening counts as published.
Bounds    one entry for each epoch in the file.
"""

from typing import Final

import msgspec

from gatehouse_edge.outbox.rows import Rows
from gatehouse_shared.names import Lane

STATE_KEY: Final = "published"
PUBLISHED_AHEAD: Final = 1_000


class Published:
    """The marks of one file. `note` and `open_epoch` expect a transaction round them; call `reload` after it."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._upto: dict[str, int] = {}
        self.reload()

    def upto(self, epoch: str) -> int:
        """The highest number of the epoch's bulk lane that the hub may have seen."""
        known = self._upto.get(epoch)
        return self._rows.lanes[epoch, Lane.BULK].held if known is None else known

    def covers(self, epoch: str, upto: int) -> bool:
        """Whether rows up to here may go out without another note."""
        return upto <= self._upto.get(epoch, -1)

    def note(self, epoch: str, upto: int) -> None:
        """Rows up to here are about to go out."""
        self._write(epoch, max(self.upto(epoch), upto + PUBLISHED_AHEAD))

    def open_epoch(self, epoch: str) -> None:
        """Nothing of this epoch was ever published."""
        self.reload()
        self._write(epoch, 0)

    def reload(self) -> None:
        """Read what the file holds."""
        kept = self._rows.state(STATE_KEY)
        try:
            self._upto = {} if kept is None else msgspec.json.decode(kept, type=dict[str, int])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._upto = {}

    def _write(self, epoch: str, upto: int) -> None:
        known = {e: n for e, n in self._upto.items() if e in self._rows.epochs}
        self._rows.keep_state(STATE_KEY, msgspec.json.encode({**known, epoch: upto}))
