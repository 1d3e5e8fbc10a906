"""The restore drill: a database put back to a moment, after which a real gateway sends again what is missing.

The hub's acks go down with what it holds, never above it; in the end every number is a row or in a gap, and no alarm is lost.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gatehouse_edge.clock import FixedClock
from gatehouse_hub.cli import main
from gatehouse_hub.errors import ConfigError, StoreError
from gatehouse_hub.store import progress
from gatehouse_hub.store.columns import integer
from gatehouse_hub.store.database import back_up
from gatehouse_hub.values import LaneKey
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane
from gatehouse_shared.wire import decode
from gatehouse_testing.building import START
from gatehouse_testing.gateway_parts import Gateway
from gatehouse_testing.pairing import Pair, names, open_hub
from gatehouse_testing.postgres import PostgresCluster, postgres_cluster, run_as, unprivileged_user
from gatehouse_testing.waiting import wait_until

Begin = Callable[[str], Pair]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Makes a gateway that speaks with a hub whose store is at an address."""
    begun: list[Pair] = []

    def make(url: str) -> Pair:
        (tmp_path / "gateway").mkdir()
        gateway = Gateway(tmp_path / "gateway", clock=FixedClock(START))
        begun.append(Pair(tmp_path, gateway, open_hub(url)))
        gateway.link.connect()
        return begun[-1]

    yield make
    for pair in begun:
        pair.gateway.stop()
        pair.database.close()


def resume(pair: Pair, url: str) -> None:
    """The hub starts over a store that was put back; the gateway's connection breaks and comes again."""
    pair.database = open_hub(url)
    pair.start_hub()
    pair.gateway.link.lose()
    pair.gateway.link.connect()


def stored(pair: Pair) -> dict[tuple[str, Lane], int]:
    """How far each lane of the gateway is accounted for."""
    with pair.database.snapshot() as tx:
        epochs = {str(row[0]) for row in tx.execute("SELECT epoch FROM progress")}
        return {
            (epoch, lane): progress.load(tx, LaneKey("gw_1", epoch, lane))
            for epoch in epochs
            for lane in Lane
        }


def unaccounted(pair: Pair) -> list[tuple[str, str, int]]:
    """Numbers up to the highest that are neither a row nor in a range."""
    missing: list[tuple[str, str, int]] = []
    with pair.database.snapshot() as tx:
        for epoch, lane, top in tx.execute("SELECT epoch, lane, top FROM progress"):
            rows = tx.execute("SELECT seq FROM event WHERE epoch = ? AND lane = ?", (epoch, lane))
            numbers = {integer(row[0]) for row in rows}
            for first, last in tx.execute(
                "SELECT from_seq, to_seq FROM gap_range WHERE epoch = ? AND lane = ?", (epoch, lane)
            ):
                numbers |= set(range(integer(first), integer(last) + 1))
            missing += [
                (str(epoch), str(lane), n) for n in range(1, integer(top) + 1) if n not in numbers
            ]
    return missing


def check_first_acks(pair: Pair) -> None:
    """Whatever the hub says after a restore lies at or below what its store holds."""
    held = stored(pair)
    pair.live(3, down=False)
    pair.gateway.step()
    pair.worker.step(0)
    for topic, payload in pair.bench.broker.sent:
        if topic.endswith("/down/ack"):
            ack = decode(payload, Ack)
            assert ack.alarm <= max(
                held.get((ack.epoch, Lane.ALARM), 0), stored(pair)[ack.epoch, Lane.ALARM]
            )


def test_sqlite_from_a_backup_that_was_made_while_the_hub_went_on(
    begin: Begin, tmp_path: Path
) -> None:
    url, copy = f"sqlite:{tmp_path / 'hub.db'}", tmp_path / "copy.db"
    pair = begin(url)
    pair.alarm(3)
    pair.settle()
    (tmp_path / "hub.yaml").write_text("database: sqlite:hub.db\n")
    assert main(["--config", str(tmp_path / "hub.yaml"), "backup", str(copy)]) == 0
    at_backup = stored(pair)
    pair.alarm(4)
    pair.gateway.append_bulk(20)
    pair.settle()
    pair.database.close()
    resume(pair, f"sqlite:{copy}")
    assert stored(pair) == at_backup
    check_first_acks(pair)
    pair.alarm()
    pair.live(30)
    pair.settle()
    assert pair.rules() == names(8)
    assert len(pair.rows(Lane.BULK)) == 20
    assert unaccounted(pair) == []


def test_what_the_gateway_no_longer_keeps_is_told_as_a_gap(begin: Begin, tmp_path: Path) -> None:
    url, copy = f"sqlite:{tmp_path / 'hub.db'}", tmp_path / "copy.db"
    pair = begin(url)
    pair.alarm(1)
    pair.settle()
    back_up(url, copy)
    pair.gateway.append_bulk(20)
    pair.settle()
    pair.live(30, seconds=timedelta(hours=1).total_seconds())
    pair.gateway.outbox.tidy(pair.gateway.clock.now())
    pair.database.close()
    resume(pair, f"sqlite:{copy}")
    pair.gateway.append_bulk(5)
    pair.live(30)
    pair.settle()
    assert unaccounted(pair) == []
    with pair.database.snapshot() as tx:
        assert {gap.reason for gap in progress.load_gaps(tx, "gw_1", 10)} == {"expired"}


def test_a_backup_takes_no_other_files_place_and_is_not_for_postgresql(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'hub.db'}"
    open_hub(url).close()
    back_up(url, tmp_path / "copy.db")
    with pytest.raises(StoreError, match="there is a file"):
        back_up(url, tmp_path / "copy.db")
    with pytest.raises(StoreError):
        back_up(url, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(ConfigError, match="pg_basebackup"):
        back_up("postgresql://gatehouse@127.0.0.1:1/none", tmp_path / "pg.db")


@pytest.fixture
def archiving() -> Iterator[PostgresCluster]:
    """A cluster that keeps its WAL."""
    with postgres_cluster() as cluster:
        kept = cluster.folder / "wal"
        run_as(unprivileged_user(), "mkdir", str(kept))
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET archive_mode = on")
            connection.execute(f"ALTER SYSTEM SET archive_command = 'cp %p {kept}/%f'".encode())
        cluster.stop()
        cluster.start()
        yield cluster


def base_backup(cluster: PostgresCluster) -> None:
    run_as(
        unprivileged_user(), "pg_basebackup", "-D", str(cluster.folder / "base"), "-X", "stream",
        "-c", "fast", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "gatehouse",
    )  # fmt: skip


def restore(cluster: PostgresCluster, moment: str) -> None:
    """Put the base backup in the place of the data, and go on to a moment."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
    cluster.stop()
    data = cluster.folder / "data"
    data.rename(cluster.folder / "lost")
    (cluster.folder / "base").rename(data)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"restore_command = 'cp {cluster.folder}/wal/%f %p'\n"
            f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n"
        )
    (data / "recovery.signal").touch()
    cluster.start()

    def promoted() -> bool:
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)

    wait_until(promoted, 60, what="the end of recovery")


@pytest.mark.postgres
@pytest.mark.long
def test_postgresql_to_a_point_in_time(archiving: PostgresCluster, begin: Begin) -> None:
    url = archiving.fresh()
    pair = begin(url)
    pair.alarm(3)
    pair.settle()
    base_backup(archiving)
    pair.alarm(2)
    pair.gateway.append_bulk(10)
    pair.settle()
    at_moment = stored(pair)
    with psycopg.connect(url, autocommit=True) as connection:
        (moment,) = connection.execute("SELECT clock_timestamp()::text").fetchone() or ("",)
    pair.alarm(4)
    pair.gateway.append_bulk(10)
    pair.settle()
    assert stored(pair) != at_moment
    pair.database.close()
    restore(archiving, moment)
    resume(pair, url)
    assert stored(pair) == at_moment
    check_first_acks(pair)
    pair.alarm()
    pair.live(30)
    pair.settle()
    assert pair.rules() == names(10)
    assert len(pair.rows(Lane.BULK)) == 20
    assert unaccounted(pair) == []
