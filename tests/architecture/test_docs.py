"""What an installer may write or type is on the agent's pages, and every page is found from its README."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gatehouse_edge.cli import build_parser
from gatehouse_edge.settings import GatewayFile
from gatehouse_testing import tree
from gatehouse_testing.dev.paths import ROOT

README = ROOT / "edge" / "README.md"
DOCS = ROOT / "edge" / "docs"
PAGES = {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
FIRST = PAGES["configuration.md"]
CODE = re.compile(r"```.*?```|`[^`\n]+`|^(?: {4}|>>> ).*$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")


def code_of(text: str) -> str:
    """What a page shows as code: what somebody may copy."""
    return "\n".join(re.findall(CODE, text))


def keys_of(kind: object, path: str = "") -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Dotted paths of all keys below a type of the gateway file, and the struct that each stands in."""
    for struct in structs_in(msgspec.inspect.type_info(kind)):
        for field in msgspec.structs.fields(struct):
            place = f"{path}.{field.encode_name}" if path else field.encode_name
            yield place, struct
            yield from keys_of(field.type, place)


def structs_in(info: msgspec.inspect.Type) -> Iterator[type[msgspec.Struct]]:
    """The structs that a value may be: itself, one of a union, an item or a value of a container."""
    match info:
        case msgspec.inspect.StructType(cls=cls):
            yield cls
        case msgspec.inspect.UnionType(types=types) | msgspec.inspect.TupleType(item_types=types):
            for one in types:
                yield from structs_in(one)
        case msgspec.inspect.Metadata(type=inner):
            yield from structs_in(inner)
        case msgspec.inspect.DictType(value_type=inner):
            yield from structs_in(inner)
        case (
            msgspec.inspect.VarTupleType(item_type=inner)
            | msgspec.inspect.ListType(item_type=inner)
        ):
            yield from structs_in(inner)
        case _:
            return


KEYS = dict(keys_of(GatewayFile))


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a command line, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


COMMANDS = commands(build_parser())


def test_the_readme_links_every_page() -> None:
    linked = {link for link, _ in LINK.findall(README.read_text())}
    assert [name for name in PAGES if f"docs/{name}" not in linked] == []


def test_the_keys_are_found_at_every_depth() -> None:
    assert {
        "gateway",
        "hub.url",
        "outbox.max_rows",
        "cameras.source.native_fps",
        "inference.runtimes.sha256",
        "plugins.sources.devices.quantity.scale",
        "sensors.outputs.longest_s",
    } <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_on_the_page_of_the_file_or_on_one_that_it_links(key: str) -> None:
    name = key.rpartition(".")[2]
    if KEYS[key].__module__ == GatewayFile.__module__:
        pages = [FIRST]
    else:  # parts of their own have pages of their own
        pages = [FIRST, *(PAGES[link] for link, _ in LINK.findall(FIRST) if link in PAGES)]
    assert any(re.search(rf"(?<![\w-]){name}(?![\w-])", code_of(page)) for page in pages)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_readme_and_every_option_on_a_page(command: str) -> None:
    assert re.search(rf"^    gatehouse-edge {command}\s", README.read_text(), re.M)
    pages = "\n".join(code_of(text) for text in (README.read_text(), *PAGES.values()))
    parsers = [COMMANDS[command], *commands(COMMANDS[command]).values()]
    options = {word for one in parsers for word in one._option_string_actions} - {"-h", "--help"}
    assert sorted(word for word in options if not re.search(rf"{word}(?![\w-])", pages)) == []


def test_a_link_to_a_heading_has_its_heading() -> None:
    dead: list[str] = []
    for path in (p for p in tree.files() if p.suffix == ".md"):
        text = re.sub(r"```.*?```", "", (ROOT / path).read_text(), flags=re.S)
        for link, anchor in LINK.findall(text):
            target = ROOT / path.parent / link if link else ROOT / path
            if anchor and target.suffix == ".md" and anchor not in anchors(target):
                dead.append(f"{path}: {link}#{anchor}")
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The names that a page's headings have as link targets."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
