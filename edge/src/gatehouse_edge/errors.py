"""Errors of the agent.

EdgeError
 |- ConfigError        a file a person wrote; `place` and `remedy` say where and what to do
 |- SourceError        a camera or sensor gives nothing (try again)
 |- ModelError         a model or its manifest is not usable (permanent)
 |- RuleConfigError    parameters of a rule that cannot be (permanent)
 |- PluginError        a plug-in that is not what the file says, or does not run
 |- TimeWentBackError  the caller passed an earlier time
 '- OutboxError        the outbox file cannot be used (see message)
"""


class EdgeError(Exception):
    """Something the agent says to a person: what, where, and what to do."""

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        self.message, self.place, self.remedy = message, place, remedy
        super().__init__(
            ": ".join(p for p in (place, message) if p) + (f". {remedy}" if remedy else "")
        )


class ConfigError(EdgeError):
    """A configuration file that cannot be used."""


class SourceError(EdgeError):
    """A camera or sensor that gives nothing; worth another try."""


class ModelError(EdgeError):
    """A model or manifest that cannot be used."""


class RuleConfigError(EdgeError):
    """Rule parameters that cannot be."""


class PluginError(EdgeError):
    """A plug-in that cannot be used, or does not run."""


class TimeWentBackError(EdgeError):
    """A step with an earlier time than the one before it."""


class OutboxError(EdgeError):
    """An outbox file that cannot be opened, is locked, or is full."""
