"""No code, text of the console or dependency of ours reaches for what would tell one person from another."""

import re
from pathlib import Path

import pytest

from gatehouse_testing import tree
from gatehouse_testing.dev.paths import CONSTRAINTS

LIBRARIES = (
    "arcface", "bluepy", "deepface", "deepsort", "dlib", "easyocr", "face-recognition", "face_recognition",
    "facenet", "insightface", "openalpr", "paddleocr", "pytesseract", "scapy", "torchreid",
)  # fmt: skip
WORDS = re.compile(
    r"\b(?:[a-z0-9]+_)*(?:face_?(?:id|crop|embedding|recogni[sz])|re_?id(?:entif[iy]\w*|_feature|_embedding)?(?![a-z])|licen[cs]e_plate"
    r"|number_plate|anpr|mac_address|watch_?list|gait|biometric)\w*\b",
    re.I,
)
SAYING_NO = {
    # where such words may stand, because the place exists to refuse them
    ".importlinter", "pyproject.toml", "README.md", "SECURITY.md",
    "shared/docs/adr/0001-places-not-people.md", "tests/architecture/test_privacy.py",
    "tests/architecture/test_import_contracts.py", "tests/shared/test_wire_is_closed.py",
}  # fmt: skip
CODE = {".py", ".ts", ".tsx", ".json", ".yaml", ".yml", ".toml", ".sql"}


def reaching(path: Path, text: str) -> list[str]:
    """Words in a file that name a means of telling persons apart, each with its place."""
    return [f"{path}: {m[0]}" for m in WORDS.finditer(text)]


def test_no_code_names_a_means_of_telling_persons_apart() -> None:
    code = [
        (p, t)
        for p, t in tree.texts()
        if p.suffix in CODE and not p.name.startswith("package-lock")
    ]
    assert [w for p, t in code if str(p) not in SAYING_NO for w in reaching(p, t)] == []


@pytest.mark.parametrize(
    "text",
    [
        "face_id: str",
        "crop = face_crop(x)",
        "reid_embedding",
        "license_plate",
        "MAC_ADDRESS",
        "gait_model",
    ],
)
def test_such_a_name_is_seen(text: str) -> None:
    assert reaching(Path("x.py"), text)


@pytest.mark.parametrize(
    "text", ["surface", "interface", "grid_id", "plate glass", "preidentified"]
)
def test_other_words_are_left_alone(text: str) -> None:
    assert not reaching(Path("x.py"), text)


def test_no_dependency_recognises_persons_plates_or_devices() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", CONSTRAINTS.read_text().lower(), re.M))
    assert {p for p in pinned if set(re.split(r"[-_.]", p)) & set(LIBRARIES)} == set()
