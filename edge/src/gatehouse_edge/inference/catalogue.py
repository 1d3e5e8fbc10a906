"""The models that the project has read, run and measured: `seeds/models/catalogue.yaml` and the manifests beside it.

Looked for in `$GATEHOUSE_SEEDS/models`, in the installed package, and in the working tree. Manifests in the user's cache
(`model reshape` writes them) can be named too, and are not reviewed unless the catalogue holds the same. Imports neither numpy
nor onnxruntime.
"""

from __future__ import annotations

import os
from pathlib import Path

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.manifest import MAX_MODELS, Manifest, load_manifests

CATALOGUE_FILE = "catalogue.yaml"


def catalogue_folder() -> Path | None:
    """The folder that holds the catalogue; None on an installation without one."""
    package = Path(__file__).resolve().parents[1]
    stated = os.environ.get("GATEHOUSE_SEEDS")
    candidates = [Path(stated)] if stated else []
    candidates += [package / "seeds", package.parents[2] / "seeds"]
    return next(
        (root / "models" for root in candidates if (root / "models" / CATALOGUE_FILE).is_file()),
        None,
    )


def load_catalogue() -> tuple[Manifest, ...]:
    """All manifests of the catalogue, those of its file first, then one per `*.yaml` beside it. Raises ModelError."""
    folder = catalogue_folder()
    if folder is None:
        raise ModelError(
            "no model catalogue is installed",
            place="seeds/models/catalogue.yaml",
            remedy="Set GATEHOUSE_SEEDS to the folder `seeds` of the release",
        )
    first = folder / CATALOGUE_FILE
    beside = sorted(path for path in folder.glob("*.yaml") if path != first)
    manifests = [m for path in (first, *beside[:MAX_MODELS]) for m in load_manifests(path)]
    names = [manifest.name for manifest in manifests]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"models named twice: {', '.join(twice)}", place=str(folder))
    return tuple(manifests)


def user_cache() -> Path:
    """The folder that `model pull` and `model reshape` write to."""
    stated = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(stated) if stated.startswith("/") else Path.home() / ".cache"
    return root / "gatehouse" / "models"


def load_known() -> tuple[Manifest, ...]:
    """The catalogue, then what the user's cache adds under names of its own. Raises ModelError."""
    shipped = load_catalogue()
    names = {manifest.name for manifest in shipped}
    beside = sorted(user_cache().glob("*.yaml"))[:MAX_MODELS]
    local = [m for path in beside for m in load_manifests(path) if m.name not in names]
    return (*shipped, *local)


def find_manifest(name: str) -> Manifest:
    """The manifest of that name in the catalogue or the user's cache. Raises ModelError that lists what there is."""
    manifests = load_known()
    for manifest in manifests:
        if manifest.name == name:
            return manifest
    known = ", ".join(sorted(manifest.name for manifest in manifests))
    raise ModelError(
        f"no model is called {name!r}", place="catalogue", remedy=f"There are: {known}"
    )


def resolve_manifest(name_or_path: str) -> tuple[Manifest, Path | None]:
    """A manifest by its name in the catalogue, or from a YAML file of one's own; then with the folder beside it
    to look in.

    Raises ModelError.
    """
    if not name_or_path.endswith((".yaml", ".yml")):
        return find_manifest(name_or_path), None
    path = Path(name_or_path)
    manifests = load_manifests(path)
    if len(manifests) != 1:
        raise ModelError(
            f"holds {len(manifests)} models",
            place=str(path),
            remedy="Give a file with one manifest",
        )
    return manifests[0], path.parent


def is_reviewed(manifest: Manifest) -> bool:
    """Whether this very manifest is in the catalogue; a gateway that runs another one says `unreviewed` at its
    birth.
    """
    try:
        return manifest in load_catalogue()
    except ModelError:
        return False
