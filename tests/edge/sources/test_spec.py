import msgspec
import pytest

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.sources.spec import Scheme, SourceSpec, parse, redact, scrub, with_secrets

CANARY = "c4nary/p@ss"


@pytest.mark.parametrize(
    ("url", "scheme", "target"),
    [
        ("yard.mp4", Scheme.FILE, "yard.mp4"),
        ("/data/a:b.mp4", Scheme.FILE, "/data/a:b.mp4"),
        ("file:yard.mp4", Scheme.FILE, "yard.mp4"),
        ("file:///data/yard.mp4", Scheme.FILE, "/data/yard.mp4"),
        ("rtsp://cam/1", Scheme.RTSP, "rtsp://cam/1"),
        ("RTSPS://cam/1", Scheme.RTSPS, "RTSPS://cam/1"),
        ("usb:0", Scheme.USB, "0"),
        ("usb:/dev/video2", Scheme.USB, "/dev/video2"),
        ("stills:shots/*.png", Scheme.STILLS, "shots/*.png"),
        ("radiometric:t.npz", Scheme.RADIOMETRIC, "t.npz"),
        ("scene:plaza", Scheme.SCENE, "plaza"),
    ],
)
def test_an_address_says_how_the_frames_come(url, scheme, target):
    address = parse(SourceSpec(url=url))
    assert (address.scheme, address.target) == (scheme, target)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://cam/video", "not a kind of source"),
        ("concat://a|b", "not a kind of source"),
        ("rtsp:///live", "names no host"),
        ("rtsp://cam:99999/live", "cannot be read"),
        ("rtsp://cam/live\nX: y", "control characters"),
        ("rtsp://cam/a b", "spaces"),
        ("usb:front door", "not a USB camera"),
        ("usb:/etc/passwd", "not a USB camera"),
        ("scene:../../etc/x", "name of a scene"),
        ("scene:", "names nothing"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_place_and_remedy(url, says):
    with pytest.raises(ConfigError, match=says) as caught:
        parse(SourceSpec(url=url), place="cam_1")
    assert caught.value.place == "cam_1"
    assert caught.value.remedy


def test_a_scale_without_its_offset_is_refused():
    with pytest.raises(ConfigError, match="belong together"):
        parse(SourceSpec(url="radiometric:x.npy", scale_c=0.01))


def test_an_unknown_option_is_refused():
    with pytest.raises(msgspec.ValidationError, match="fsp"):
        msgspec.json.decode(b'{"url": "a.mp4", "fsp": 5}', type=SourceSpec)


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://admin:{CANARY}@cam/live",
        "rtsp://admin:c4nary@cam:554/live",
        "rtsp://cam/live?user=admin&password=c4nary",
        "rtsp://c4nary@cam/live",
    ],
)
def test_no_form_of_an_address_shows_its_secret(url):
    spec = SourceSpec(url=url)
    shown = [repr(spec), str(spec), f"{[spec]}", redact(url), scrub(f"cannot open {url}", spec)]
    assert not [text for text in shown if "c4nary" in text or "p@ss" in text]
    assert "cam" in redact(url)


def test_a_secret_is_scrubbed_out_of_a_library_s_sentence_in_either_spelling():
    spec = SourceSpec(url="rtsp://admin:p%40ss@cam/live")
    assert scrub("401 for admin:p@ss, p%40ss", spec) == "401 for ***, ***"


def test_a_password_from_the_environment_goes_quoted_into_the_address(monkeypatch):
    monkeypatch.setenv("YARD_PW", CANARY)
    spec = SourceSpec(url="rtsp://cam:8554/live", user="me", password_env="YARD_PW")
    assert with_secrets(spec).url == "rtsp://me:c4nary%2Fp%40ss@cam:8554/live"


def test_a_password_file_loses_its_line_end_only(tmp_path):
    (tmp_path / "pw").write_text(" x y \n")
    spec = SourceSpec(url="rtsp://me@cam/live", password_file=str(tmp_path / "pw"))
    assert with_secrets(spec).url == "rtsp://me:%20x%20y%20@cam/live"


@pytest.mark.parametrize("option", [{"password_env": "NOT_SET_42"}, {"password_file": "/no/pw"}])
def test_a_missing_password_names_where_it_should_be(option):
    with pytest.raises(ConfigError, match=r"NOT_SET_42|/no/pw"):
        with_secrets(
            msgspec.convert({"url": "rtsp://cam/live", "user": "me", **option}, SourceSpec),
            place="cam_1",
        )
