"""Errors of the wire.

WireError              something that may not be sent or stored; `reason` is a RefusalReason
 '- SiteError          a site file that cannot be used; `place` names the key, `remedy` what to do
"""

from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a message or a row was refused. Shown in quarantine, sent in `down/nack`, counted in metrics."""

    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_MANY_ROWS = "too_many_rows"
    MIXED_ROWS = "mixed_rows"
    WRONG_SCHEMA = "wrong_schema"
    UNKNOWN_FIELD = "unknown_field"
    NOT_CANONICAL = "not_canonical"
    WRONG_TOPIC = "wrong_topic"
    WRONG_IDENTITY = "wrong_identity"
    WRONG_ID = "wrong_id"
    WRONG_LANE = "wrong_lane"
    UNKNOWN_GATEWAY = "unknown_gateway"
    UNKNOWN_NAME = "unknown_name"
    WRONG_SUBJECT = "wrong_subject"
    TIME_STEP = "time_step"
    CLASS_RULE = "class_rule"
    SMALL_COUNT = "small_count"
    OUT_OF_RANGE = "out_of_range"
    KEY_REUSED = "key_reused"
    HUB_ONLY = "hub_only"
    EVALUATION = "evaluation"
    NEWER_WIRE = "newer_wire"


class WireError(Exception):
    """A message or row that may not pass. `reason` is for machines, the text for people."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")


class SiteError(Exception):
    """A site file that cannot be used. `place` is the path of the key, such as `zones[2].polygon`."""

    def __init__(self, place: str, message: str, remedy: str) -> None:
        self.place, self.message, self.remedy = place, message, remedy
        super().__init__(f"{place}: {message}. {remedy}")
