"""What every test may ask for."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.postgres import PostgresCluster, PostgresMissingError, postgres_cluster


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of test material that is not part of the repository; skips where there is none."""
    folder = Path(os.environ.get("GATEHOUSE_ASSETS") or ROOT.parent / "shared" / "assets").resolve()
    if not (folder / "INDEX.md").exists():
        pytest.skip("no test material; GATEHOUSE_ASSETS names no folder with an INDEX.md")
    return folder


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder in memory where there is such a thing: for tests in which a disk is simulated, or nothing is to be synced."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL server of this session's own; each test asks it for a fresh database."""
    try:
        with postgres_cluster() as cluster:
            yield cluster
    except PostgresMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'hub.db'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.fresh()
