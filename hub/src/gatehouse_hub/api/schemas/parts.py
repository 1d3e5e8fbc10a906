"""What several answers have in common: times, names in two languages, measures, problems.

Every answer field is present; what is not known is null. Unknown fields in a request are refused.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_shared.names import Quantity

Instant = Annotated[
    str,
    Field(
        description="RFC 3339, UTC, milliseconds",
        json_schema_extra={"format": "date-time"},
        examples=["2026-05-04T16:00:01.000Z"],
    ),
]
Priority = Literal["P1", "P2", "P3", "P4"]
Note = Annotated[
    str, Field(max_length=500, description="The operator's own words; stay in the hub")
]
IdText = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="Id of the site file")
]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Schema(BaseModel):
    """Closed and immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True
    )


class Names(Schema):
    """A text in the languages of the console; at least one of them."""

    en: str | None
    zh_cn: str | None = Field(alias="zh-CN")


class Measure(Schema):
    """What was measured against what, in `unit`."""

    quantity: Quantity
    value: float
    threshold: float
    unit: str = Field(examples=["C", "%", "cm"])


class Place(Schema):
    """Metres from the site's origin, x right, y up; `storey` is the zone's."""

    x_m: int
    y_m: int
    storey: int


class Problem(Schema):
    """RFC 9457 `application/problem+json`. `detail` says what to do."""

    type: str = Field(examples=["urn:gatehouse:problem:sign_in_required"])
    title: str
    status: int
    detail: str


class FieldProblem(Schema):
    """Where a request was wrong."""

    field: str = Field(examples=["body.cause"])
    message: str


class InvalidRequest(Problem):
    """A request that does not fit the schema, fault by fault."""

    errors: list[FieldProblem]


class Health(Schema):
    """The process answers and its store can be read."""

    status: Literal["ok"]
