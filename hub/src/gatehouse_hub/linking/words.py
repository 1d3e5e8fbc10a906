"""Reasons in words, in English and Simplified Chinese: what people read in the console and in `replay`'s output."""

from collections.abc import Mapping
from typing import Final, Literal

from gatehouse_hub.linking.linker import Link, LinkReason, NearMiss
from gatehouse_hub.linking.priority import PriorityReason
from gatehouse_hub.linking.score import Term, TermKind
from gatehouse_shared.names import HazardKind

Language = Literal["en", "zh-CN"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh-CN")
_K = HazardKind

KIND_NAMES: Final[Mapping[HazardKind, tuple[str, str]]] = {
    _K.THERMAL_HOTSPOT: ("hot spot", "高温点"),
    _K.FIRE_FLAME: ("flame", "明火"),
    _K.FIRE_SMOKE: ("smoke", "烟雾"),
    _K.PANEL_ALARM: ("fire panel alarm", "消防主机报警"),
    _K.LANE_BLOCKED: ("blocked lane", "通道堵塞"),
    _K.OBJECT_BLOCKING: ("obstruction", "物品阻挡"),
    _K.PARKING_FULL: ("full car park", "车位已满"),
    _K.DOOR_FORCED: ("forced door", "强行开门"),
    _K.DOOR_HELD: ("door held open", "门未关闭"),
    _K.READING_OUT_OF_RANGE: ("reading out of range", "读数越限"),
    _K.TAMPER: ("tampering", "设备被动"),
    _K.EXTERNAL_REPORT: ("report from outside", "外部报告"),
    _K.TOUR_MISSED: ("missed patrol", "漏巡"),
    _K.CAMERA_COVERED: ("covered camera", "摄像机被遮挡"),
    _K.CAMERA_MOVED: ("moved camera", "摄像机移位"),
    _K.CAMERA_BLURRED: ("blurred camera", "摄像机模糊"),
    _K.CAMERA_FROZEN: ("frozen camera", "画面冻结"),
    _K.SOURCE_STALE: ("silent camera", "视频源中断"),
    _K.RATE_BELOW_FLOOR: ("slow camera", "帧率过低"),
    _K.DEVICE_OFFLINE: ("device offline", "设备离线"),
    _K.BATTERY_LOW: ("low battery", "电量低"),
    _K.MAINS_LOST: ("mains lost", "市电中断"),
    _K.STORAGE_FULL: ("storage full", "存储已满"),
    _K.OUTBOX_RESET: ("outbox reset", "发件箱重置"),
    _K.CLOCK_OFFSET: ("wrong clock", "时钟偏差"),
    _K.CROWD_DENSITY: ("dense crowd", "人群密集"),
    _K.CROWD_COUNTERFLOW: ("counter-flow", "人流对冲"),
    _K.CROWD_SURGE: ("crowd surge", "人群涌动"),
    _K.PERIMETER_INTRUSION: ("intrusion", "周界入侵"),
    _K.DWELL: ("lingering", "滞留"),
    _K.VESSEL_INTRUSION: ("vessel", "船只闯入"),
    _K.HELP_BUTTON: ("call for help", "求助"),
    _K.PERSON_DOWN: ("person down", "有人倒地"),
    _K.INTERCOM_UNANSWERED: ("unanswered intercom", "对讲无人应答"),
}
"""Kind -> (English, Chinese)."""

PRIORITY_WORDS: Final[Mapping[PriorityReason, tuple[str, str]]] = {
    PriorityReason.KIND: ("by its kind", "按类别"),
    PriorityReason.GRADE: ("by its grade", "按等级"),
    PriorityReason.TWO_SOURCES: ("two independent sources agree", "两个独立来源一致"),
    PriorityReason.FIRE_CONFIRMED: ("two signs of fire agree", "两种火情迹象一致"),
    PriorityReason.LANE_BLOCKED_DURING_FIRE: (
        "a fire lane is blocked during a fire",
        "火情期间消防通道被堵",
    ),
    PriorityReason.FORCED_ENTRY: ("a forced door after an intrusion", "入侵后有强行开门"),
}


def kind_name(kind: HazardKind, language: Language) -> str:
    """What people call a kind."""
    return KIND_NAMES[kind][0 if language == "en" else 1]


def priority_words(reason: PriorityReason, language: Language) -> str:
    """Why an incident is as urgent as it is."""
    return PRIORITY_WORDS[reason][0 if language == "en" else 1]


def describe_link(link: Link, language: Language) -> str:
    """Why a row belongs to its incident, in one sentence."""
    name = kind_name(link.row.kind, language)
    if link.reason is LinkReason.STOOD:
        return (
            f"{_sentence(name)} stands here as before"
            if language == "en"
            else f"{name}，仍属此事件"
        )
    if link.to is None:
        return (
            f"{_sentence(name)} opened the incident"
            if language == "en"
            else f"{name}，事件由此开始"
        )
    other = kind_name(link.to.kind, language)
    later = (link.row.time_ms, link.row.id) >= (link.to.time_ms, link.to.id)
    gap_s = abs(link.row.time_ms - link.to.time_ms) / 1000
    near = _nearness(link.terms, language)
    why = _why(link.terms, language)
    if language == "en":
        when = f"{_duration(gap_s)} {'after' if later else 'before'}"
        return f"{_sentence(name)} {when} {_article(other)}, {near}{why}"
    return f"{other}{'后' if later else '前'} {_duration_zh(gap_s)}出现{name}，{near}{why}"


def describe_near_miss(miss: NearMiss, row_kind: HazardKind, language: Language) -> str:
    """Why a row did not join an incident it was near to: what spoke loudest against it."""
    other, name = kind_name(miss.to.kind, language), kind_name(row_kind, language)
    near = _nearness(miss.terms, language)
    if miss.reason is LinkReason.OPENED_PRESENCE:
        if language == "en":
            return (
                f"Kept apart from {_article(other)}: presence is never followed from zone to zone"
            )
        return f"未与{other}合并：系统从不跨区域追踪人的行踪"
    against = _against(miss.terms, language)
    if language == "en":
        return f"Maybe the same as {_article(other)}, {near}, but too little joins {_article(name)} to it{against}"
    return f"可能与{other}有关，{near}，但依据不足{against}"


_AGAINST: Final[Mapping[TermKind, tuple[str, str]]] = {
    TermKind.OTHER_PAIR: ("the one rarely follows the other", "两者很少相继发生"),
    TermKind.CAUSE_REVERSED: ("they came in the unusual order", "先后顺序不常见"),
    TermKind.TIME: ("{time} apart", "相隔{time}"),
    TermKind.DISTANCE: ("far apart", "相距较远"),
    TermKind.HOPS: ("in another zone", "不在同一区域"),
    TermKind.AGE: ("it began {age} before", "该事件始于{age}前"),
    TermKind.COMPANY: ("it has gone on with other events", "该事件另有后续"),
    TermKind.LATCHED: ("a new call is hardly the old one", "新的呼叫多半另有其事"),
    TermKind.BUSY: ("such events often begin here of their own", "此类事件在此处时常单独发生"),
}


def _against(terms: tuple[Term, ...], language: Language) -> str:
    """The two loudest reasons against a link."""
    told = [
        t for t in terms if t.kind in _AGAINST and not (t.kind is TermKind.COMPANY and not t.value)
    ]
    loud = sorted((t for t in told if t.weight < 0), key=lambda t: t.weight)
    chinese = language == "zh-CN"
    span = _duration_zh if chinese else _duration
    values = {
        term.kind.value: span(term.value)
        for term in terms
        if term.kind in {TermKind.TIME, TermKind.AGE}
    }
    said = [_AGAINST[term.kind][chinese].format(**values) for term in loud[:2]]
    if not said:
        return ""
    return f"：{'，'.join(said)}" if chinese else f": {' and '.join(said)}"


def _why(terms: tuple[Term, ...], language: Language) -> str:
    kinds = {term.kind for term in terms if term.weight > 0}
    if TermKind.CAUSE in kinds:
        return "; the one often follows the other" if language == "en" else "；两者常相继发生"
    if TermKind.CAUSE_REVERSED in kinds:
        return "; the two often come together" if language == "en" else "；两者常同时出现"
    if TermKind.SAME_KIND in kinds:
        return "; the same kind again" if language == "en" else "；同类再次发生"
    if TermKind.COMPANY in kinds:
        return "; it fits with the rest" if language == "en" else "；与其余情况相符"
    return ""


def _nearness(terms: tuple[Term, ...], language: Language) -> str:
    metres = next((t.value for t in terms if t.kind is TermKind.DISTANCE), 0.0)
    hops = next((int(t.value) for t in terms if t.kind is TermKind.HOPS), 0)
    rounded = round(metres) if metres < 100 else round(metres / 10) * 10
    if language == "en":
        where = {0: "in the same zone", 1: "in the adjoining zone"}.get(hops, f"{hops} zones away")
        return f"{rounded} m away {where}" if rounded else where
    where = {0: "同一区域", 1: "相邻区域"}.get(hops, f"相隔 {hops} 个区域")
    return f"{where}，相距 {rounded} 米" if rounded else where


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_UNCOUNTED: Final = frozenset(
    {"smoke", "flame", "tampering", "mains lost", "counter-flow", "lingering"}
)


def _article(name: str) -> str:
    if name in _UNCOUNTED:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _duration_zh(seconds: float) -> str:
    return f"{seconds:.0f} 秒" if seconds < 120 else f"{seconds / 60:.0f} 分钟"
