"""Words in two languages, and times that may be missing."""

from datetime import datetime

from gatehouse_hub.api.schemas.parts import Names
from gatehouse_shared.instants import format_instant


def in_words(en: str | None, zh_cn: str | None) -> Names:
    """A text in the languages it has."""
    return Names.model_validate({"en": en, "zh-CN": zh_cn})


def instant_or_none(time: datetime | None) -> str | None:
    """Wire form of a time, None for none."""
    return None if time is None else format_instant(time)
