"""The events of the wire without the patterns of their texts: every other rule of their types as it is. Derived, never written.

A type that holds no pattern is used as it stands, so that a relaxed event differs from its own in as little as may be.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# Annotations are taken apart here; they have no types of their own.

import functools
import operator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from gatehouse_shared.events import Event


def relaxed_events() -> dict[str, type[Struct]]:
    """Name of an event's type -> the same without patterns."""
    return {kind.__name__: _relaxed_struct(kind) for kind in get_args(Event)}


def _relaxed(kind: Any) -> Any:
    origin = get_origin(kind)
    if origin is Annotated:
        base, *notes = get_args(kind)
        kept = [note for note in notes if not (isinstance(note, Meta) and note.pattern)]
        base = _relaxed(base)
        return Annotated[(base, *kept)] if kept else base
    if origin is Union or origin is UnionType:
        return functools.reduce(operator.or_, (_relaxed(part) for part in get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Struct):
        relaxed: Any = _relaxed_struct(kind)
        return relaxed
    return kind


def _relaxed_struct(kind: type[Struct]) -> type[Struct]:
    hints = get_type_hints(kind, include_extras=True)
    types = {name: _relaxed(hints[name]) for name in kind.__struct_fields__}
    if all(types[name] == hints[name] for name in types):
        return kind
    config = kind.__struct_config__
    fields: list[Any] = []
    for info in msgspec.structs.fields(kind):
        spelt = None if info.encode_name == info.name else info.encode_name
        fields.append(
            (info.name, types[info.name], msgspec.field(default=info.default, name=spelt))
        )
    return msgspec.defstruct(
        f"Relaxed{kind.__name__}",
        fields,
        frozen=config.frozen,
        forbid_unknown_fields=config.forbid_unknown_fields,
        omit_defaults=config.omit_defaults,
        kw_only=True,
        tag_field=config.tag_field,
        tag=config.tag,
    )
