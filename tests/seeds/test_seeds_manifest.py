"""Nothing lies in `seeds/` whose licence and origin are not written down, and weights are the ones that were measured."""

import hashlib
from pathlib import Path

import yaml

from gatehouse_testing import tree

SOURCES = {".py", ".md"}
WRITTEN = {".yaml"}


def listed(seeds: Path) -> dict[str, dict[str, str]]:
    """Entries of the manifest by path."""
    files = yaml.safe_load((seeds / "manifest.yaml").read_text())["files"]
    assert len({entry["path"] for entry in files}) == len(files)
    return {entry["path"]: entry for entry in files}


def test_every_data_file_of_the_seeds_is_in_the_manifest(seeds: Path) -> None:
    there = {
        str(p.relative_to("seeds"))
        for p in tree.files()
        if p.parts[0] == "seeds" and p.suffix not in SOURCES
    }
    assert there - {"manifest.yaml"} == set(listed(seeds))


def test_every_entry_has_licence_and_origin_and_made_files_a_hash(seeds: Path) -> None:
    for path, entry in listed(seeds).items():
        assert entry["licence"]
        assert entry["origin"]
        if Path(path).suffix not in WRITTEN:
            data = (seeds / path).read_bytes()
            assert entry["sha256"] == hashlib.sha256(data).hexdigest(), path
            assert entry["size_bytes"] == len(data), path
