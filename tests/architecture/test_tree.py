"""The tree holds what README says it holds, and nothing of the machine it was made on."""

import re
from pathlib import Path

import pytest

from gatehouse_testing import tree
from gatehouse_testing.dev.commands import COMMANDS
from gatehouse_testing.dev.paths import ROOT

MACHINE = re.compile(
    r"(?<![\w.~$}/-])/(?:work|root|workspace)/"  # where somebody's copy lies
    r"|(?<![\w.~$}/-])/home/(?!gatehouse\b)[a-z]\w*/"
    r"|(?<![\w.~$}/-])/(?:Users)/\w+/"
    r"|(?<![\w.~$}/-])/tmp/\w"
)
INSTALLERS = (
    "dev",
    ".ci/run",
    "constraints.txt",
    "hub/console/.npmrc",
    "hub/console/package-lock.json",
)
"""What brings packages here. Which index they come from is the machine's own affair."""
FUNDING = re.compile(r'"funding": (?:\{[^{}]*\}|\[[^\[\]]*\]|"[^"]*")')
"""npm's lock also says where to thank a package's authors. Nothing is fetched from there."""
SECRET = re.compile(r"-----BEGIN (?:\w+ )?PRIVATE KEY-----")
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".mp4", ".avi", ".mkv", ".webm", ".mov"}
LARGE_BYTES = 1_000_000


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    found = [f"{p}: {m[0]}" for p, text in tree.texts() if (m := MACHINE.search(text))]
    assert [f for f in found if not f.startswith("tests/architecture/test_tree.py")] == []


@pytest.mark.parametrize("folder", ["work", "home/ann", "tmp", "root"])
@pytest.mark.parametrize("text", ["cd /{}/x", '"/{}/gatehouse"', "see /{}/a", "(/{}/cache)"])
def test_a_folder_of_somebodys_machine_is_seen(text: str, folder: str) -> None:
    assert MACHINE.search(text.format(folder))


@pytest.mark.parametrize("folder", ["work", "tmp", "root"])
@pytest.mark.parametrize("text", ["a/{}/x", "~/{}/y", "$HOME/{}/x", "/{}_path", "{{folder}}/{}/x"])
def test_other_paths_are_left_alone(text: str, folder: str) -> None:
    assert not MACHINE.search(text.format(folder))


def test_nothing_that_installs_names_an_address() -> None:
    tools = [p for p in tree.files() if str(p) in INSTALLERS or "gatehouse_testing/dev/" in str(p)]
    tools += [p for p in tree.files() if p.name in {"pyproject.toml", "package.json"}]
    urls = re.compile(r"\bhttps?://(?!127\.0\.0\.1|localhost)\S+")
    texts = {p: FUNDING.sub("", (ROOT / p).read_text()) for p in tools}
    assert [f"{p}: {m[0]}" for p, text in texts.items() for m in urls.finditer(text)] == []


def test_no_file_holds_a_private_key() -> None:
    found = [str(p) for p, text in tree.texts() if SECRET.search(text)]
    assert [p for p in found if p != "tests/architecture/test_tree.py"] == []


def test_files_are_small() -> None:
    assert [str(p) for p in tree.files() if (ROOT / p).stat().st_size > LARGE_BYTES] == []


def test_pictures_are_of_the_product_only() -> None:
    pictures = [p for p in tree.files() if p.suffix.lower() in PICTURES]
    assert [str(p) for p in pictures if p.parent != Path("docs/images")] == []


def test_readme_shows_the_folders_that_there_are() -> None:
    shown = readme_tree()
    real = {
        p.parts[0] + "/"
        for p in tree.files()
        if len(p.parts) > 1 and not p.parts[0].startswith(".")
    }
    assert {name for name in shown if "/" not in name.rstrip("/")} == real
    assert [name for name in shown if not (ROOT / name).exists()] == []


def test_readme_names_every_command_of_dev() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"./dev {name}" not in readme] == []
    named = set(re.findall(r"\./dev ([a-z]+)", readme))
    assert named <= set(COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    dead: list[str] = []
    for path in (p for p in tree.files() if p.suffix == ".md"):
        text = re.sub(r"```.*?```", "", (ROOT / path).read_text(), flags=re.S)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in link and not link.startswith("mailto:"):
                dead += [f"{path}: {link}"] if not (ROOT / path.parent / link).exists() else []
    assert dead == []


def test_every_decision_says_what_enforces_it() -> None:
    headings = ["Date", "Status", "Context", "Decision", "Consequences", "Enforced by"]
    wrong: dict[str, list[str]] = {}
    for path in sorted((ROOT / "shared" / "docs" / "adr").glob("*.md")):
        found = re.findall(r"^## (.+)$", path.read_text(), re.M)
        if found != headings:
            wrong[path.name] = found
    assert wrong == {}


def test_what_enforces_a_decision_exists() -> None:
    missing: list[str] = []
    for path in sorted((ROOT / "shared" / "docs" / "adr").glob("*.md")):
        enforced = path.read_text().partition("## Enforced by")[2]
        named = re.findall(r"`((?:tests|shared|edge|hub)/[\w./-]+)`", enforced)
        missing += [f"{path.name}: {name}" for name in named if not (ROOT / name).exists()]
    assert missing == []


def readme_tree() -> set[str]:
    """Folders that README's tree shows, as paths that end in a slash."""
    block = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert block, "README has no ```text block with the tree"
    return {m[1] for line in block[1].splitlines() if (m := re.match(r"([\w./-]+/)(?:\s|$)", line))}
