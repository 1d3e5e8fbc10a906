"""`model list | pull | verify | reshape`. Only the last needs numpy and onnxruntime."""

import sys
from collections.abc import Callable

from gatehouse_edge.errors import ConfigError, ModelError
from gatehouse_edge.inference import weights


def model_command(
    action: str,
    name: str | None,
    say: Callable[[str], None],
    size_wh: tuple[int, int] | None = None,
) -> int:
    """Run one action; 0 when all is well, 1 when a model is missing or wrong. `size_wh`: for `reshape`."""
    if action == "list":
        return _list(say)
    if name is None:
        raise ConfigError(f"model {action} needs a name", place="model", remedy="See `model list`")
    if action == "reshape":
        return _reshape(name, size_wh, say)
    return _pull(name, say) if action == "pull" else _verify(name, say)


def _list(say: Callable[[str], None]) -> int:
    for status in weights.list_models():
        manifest = status.manifest
        say(f"{manifest.name:<20} {manifest.licence:<14} {_where(status)}")
        say(f"{'':<20} {manifest.knows}")
    return 0


def _where(status: weights.ModelStatus) -> str:
    """Whether a model can run now, and if not how its file comes here."""
    if status.ready:
        return "ready"
    if any(file.url for file in status.manifest.files):
        return f"not here; `gatehouse-edge model pull {status.manifest.name}` fetches it"
    return "not here, and to be put by hand; `model pull` says which file and where"


def _pull(name: str, say: Callable[[str], None]) -> int:
    path = weights.pull_model(name, _progress)
    say(f"{name}: {path or 'needs no file'}")
    return 0


def _verify(name: str, say: Callable[[str], None]) -> int:
    try:
        path = weights.verify_model(name)
    except ModelError as error:
        say(str(error))
        return 1
    say(f"{name}: {path or 'needs no file'}: as in the catalogue")
    return 0


def _reshape(name: str, size_wh: tuple[int, int] | None, say: Callable[[str], None]) -> int:
    from gatehouse_edge.inference.reshape import reshape_model  # noqa: PLC0415 - needs the extras

    if size_wh is None:
        raise ConfigError(
            "the new size is not said", place="model reshape", remedy="Add --input 416x256 for 16:9"
        )
    record = reshape_model(name, *size_wh)
    say(f"{record.stem}: {record}")
    say(f"Cameras take it with `model: {record.stem}`; the hub shows it as unreviewed")
    return 0


def _progress(done: int, total: int) -> None:
    end = "\n" if done >= total else "\r"
    sys.stderr.write(f"{done:>12} of {total} bytes{end}")
    sys.stderr.flush()
