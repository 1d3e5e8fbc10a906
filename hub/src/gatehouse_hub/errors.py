"""Errors of the hub.

HubError
 |- TurnFailedError         linking one site went wrong; the others go on
 |- WeightsError            a file of linking weights that cannot be used
 |- MappingError            a log of another system, or what says how to read it, cannot be used
 |- ConfigError             a file or address a person wrote; `place` and `remedy` say where and what to do
 '- StoreError              the database refused (a defect, or a schema that does not fit)
     |- ConflictError       a unique name or key is taken already
     '- StoreUnavailableError   the database is away, busy or full: the same work may be tried again
"""


class HubError(Exception):
    """Something the hub says to a person: what, where, and what to do."""

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        self.message, self.place, self.remedy = message, place, remedy
        super().__init__(
            ": ".join(p for p in (place, message) if p) + (f". {remedy}" if remedy else "")
        )


class TurnFailedError(HubError):
    """Linking a site went wrong, by a defect of ours; `site` waits and is tried again later."""

    def __init__(self, site: str) -> None:
        self.site = site
        super().__init__(
            "cannot be linked", place=f"site {site}", remedy="See the log; it is tried again"
        )


class WeightsError(HubError):
    """A file of linking weights that cannot be used."""


class MappingError(HubError):
    """A log of another system, or the mapping that says how to read it, cannot be used."""


class ConfigError(HubError):
    """A configuration that cannot be used."""


class StoreError(HubError):
    """The database refused a statement."""


class ConflictError(StoreError):
    """A unique name or key is taken already."""


class StoreUnavailableError(StoreError):
    """The database is away, busy or full. Nothing of the transaction was kept; try it again."""
