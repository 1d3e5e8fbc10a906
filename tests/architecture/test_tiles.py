"""No model is ever shown the region of a detection: what it may be shown is a tile, and only the geometry makes tiles."""

import ast
from pathlib import Path

import gatehouse_edge

PACKAGE = Path(gatehouse_edge.__file__).parent
LAYOUT = PACKAGE / "inference" / "tiling.py"
SEES_THINGS = {"gatehouse_edge.values", "gatehouse_edge.tracking", "gatehouse_edge.inference.boxes"}


def trees():
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


def named(node):
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def calls(tree, name):
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and named(n.func) == name]


def makers(found=None):
    """Files in which a tile is made, or made into another one by `replace`."""
    return {path for path, tree in (found or trees()).items() if calls(tree, "Tile")}


def test_only_the_layout_makes_tiles():
    assert makers() == {LAYOUT}


def test_a_tile_made_elsewhere_would_be_noticed():
    planted = {Path("elsewhere.py"): ast.parse("import tiling\ntiling.Tile(*track.xyxy)")}
    assert makers(planted) == {Path("elsewhere.py")}


def test_the_layout_knows_nothing_that_was_seen():
    tree = ast.parse(LAYOUT.read_text(encoding="utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not {m for m in imported for banned in SEES_THINGS if m.startswith(banned)}


def test_a_region_goes_to_the_model_only_from_a_tile_or_as_the_whole_frame():
    """The words to an inference process are made in one place, which takes a `Tile` and nothing else for a part of a frame."""
    found = {
        path.name
        for path, tree in trees().items()
        if calls(tree, "Look") and "inference" in path.parts
    }
    assert found == {"messages.py", "process.py"}
    tree = ast.parse((PACKAGE / "inference" / "process.py").read_text(encoding="utf-8"))
    asked = {
        f.name: next(
            ast.unparse(a.annotation) for a in f.args.args if a.arg == "tile" and a.annotation
        )
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef) and f.name.startswith("rows")
    }
    assert asked == {"rows": "Tile | None", "rows_shared": "Tile | None"}
