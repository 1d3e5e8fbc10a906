"""What an incident is, in one line, in both languages."""

from collections.abc import Mapping, Sequence

from gatehouse_hub.linking.priority import PRIORITY_OF_KIND, judge
from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.words import kind_name


def summarise(
    rows: Sequence[AlarmRow], zone_names: Mapping[str, Mapping[str, str]]
) -> tuple[str, str]:
    """(English, Chinese): its kinds, most urgent first, and the zone of the most urgent."""
    zone = judge(rows).zone
    names = zone_names.get(zone, {})
    kinds = sorted({row.kind for row in rows}, key=lambda k: (PRIORITY_OF_KIND[k], k))
    english = [kind_name(kind, "en") for kind in kinds]
    listed = english[0] if len(english) == 1 else f"{', '.join(english[:-1])} and {english[-1]}"
    chinese = "、".join(kind_name(kind, "zh-CN") for kind in kinds)
    at_en = names.get("en") or names.get("zh-CN") or zone
    at_zh = names.get("zh-CN") or names.get("en") or zone
    return f"{listed[:1].upper()}{listed[1:]}: {at_en}", f"{at_zh}：{chinese}"
