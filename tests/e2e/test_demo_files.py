"""What the demo writes for its hub and agents is what they read."""

from pathlib import Path

from gatehouse_edge.config import load_config as load_gateway
from gatehouse_hub.config import load_config as load_hub
from gatehouse_hub.config import load_site
from gatehouse_testing.demo.checking import FIRE
from gatehouse_testing.demo.community import RealCamera, write_community
from gatehouse_testing.demo.story import due, load_story
from gatehouse_testing.dev.paths import ROOT


def test_the_demos_files_are_accepted_by_who_reads_them(tmp_path: Path) -> None:
    real = RealCamera(tmp_path / "clip.mp4")
    community = write_community(tmp_path, ROOT / "seeds", mqtt_port=1883, http_port=8080, real=real)
    hub = load_hub(community.hub_file)
    (site,) = (load_site(path) for path in hub.sites)
    assert set(community.gateway_files) == set(site.gateways())
    for path in community.gateway_files.values():
        assert load_gateway(path).site == site


def test_the_demos_site_has_a_rule_for_each_part_of_its_story(tmp_path: Path) -> None:
    write_community(tmp_path, ROOT / "seeds", mqtt_port=1883, http_port=8080, real=None)
    kinds = {str(rule.kind) for rule in load_site(tmp_path / "site.yaml").rules}
    assert kinds >= FIRE | {"crowd_density", "help_button"}


def test_a_story_goes_on_over_the_end_of_its_period() -> None:
    story = load_story(ROOT / "seeds/sites/demo/story.yaml")
    once = due(story, 0, story.period_s)
    assert len(once) == len(story.messages)
    assert due(story, 0, 2 * story.period_s) == [*once, *once]
    assert [*due(story, 0, 100), *due(story, 100, story.period_s)] == once
