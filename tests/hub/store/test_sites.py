"""Every version of a site file is kept, and no id is given twice."""

import msgspec
import pytest

from gatehouse_hub.errors import ConfigError
from gatehouse_hub.ports import Database
from gatehouse_hub.store import gateways, sites
from gatehouse_shared.site import Site
from gatehouse_testing.building import START_MS, small_site
from gatehouse_testing.sites import row_of_zones

SITE = small_site()


def without_last_camera(site: Site) -> Site:
    return msgspec.structs.replace(site, devices=site.devices[:-1])


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        stamp = sites.newest_stamp(tx)
        assert sites.add(tx, SITE, START_MS + 5) == 1
        assert sites.newest_stamp(tx) == stamp


def test_older_versions_are_kept(database: Database) -> None:
    with database.transaction() as tx:
        assert sites.add(tx, without_last_camera(SITE), START_MS + 5) == 2
        assert sites.load_latest(tx, "testing") == without_last_camera(SITE)
        kept = sites.load_versions(tx, "testing")
    assert [(v.version, v.site) for v in kept] == [(2, without_last_camera(SITE)), (1, SITE)]


def test_a_retired_id_is_never_given_to_another_thing(database: Database) -> None:
    moved = msgspec.structs.replace(SITE.devices[-1], at=(1.0, 1.0))
    other = msgspec.structs.replace(SITE, devices=(SITE.devices[0], moved))
    with database.transaction() as tx:
        sites.add(tx, without_last_camera(SITE), START_MS + 5)
    with (
        pytest.raises(ConfigError, match="'cam_1' was the id of a camera device"),
        database.transaction() as tx,
    ):
        sites.add(tx, other, START_MS + 6)
    with database.snapshot() as tx:
        assert sites.load_latest(tx, "testing") == without_last_camera(SITE)


def test_a_whole_earlier_version_may_come_back(database: Database) -> None:
    with database.transaction() as tx:
        sites.add(tx, without_last_camera(SITE), START_MS + 5)
        assert sites.add(tx, SITE, START_MS + 6) == 3
        assert sites.load_latest(tx, "testing") == SITE


def test_an_id_cannot_become_a_thing_of_another_kind(database: Database) -> None:
    thermal = msgspec.json.decode(msgspec.json.encode(SITE))
    thermal["devices"][1]["kind"] = "thermal"
    with (
        pytest.raises(ConfigError, match="is the id of a camera device"),
        database.transaction() as tx,
    ):
        sites.add(tx, msgspec.convert(thermal, Site), START_MS + 5)


def test_a_gateway_belongs_to_one_site(database: Database) -> None:
    other = msgspec.structs.replace(row_of_zones(["moving"]), site="elsewhere")
    with (
        pytest.raises(ConfigError, match="'gw_1' belongs to site 'testing'"),
        database.transaction() as tx,
    ):
        sites.add(tx, other, START_MS)
    with database.snapshot() as tx:
        assert sites.site_ids(tx) == ["testing"]
        assert [g.site for g in gateways.load_all(tx)] == ["testing"]
