from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gatehouse_hub.api.services import PACKAGE_STATIC
from gatehouse_testing.console.browser import ChromiumMissingError, open_chromium
from gatehouse_testing.console.pages import Door, Now, Watched, open_watched
from gatehouse_testing.console.stage import OPERATOR, PASSWORD, Stage, open_stage


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file. While it is open, its event loop runs in this very thread, so that no
    `asyncio.run` of another test would: it must not outlive its file.
    """
    try:
        with open_chromium() as browser:
            yield browser
    except ChromiumMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    if not (PACKAGE_STATIC / "index.html").is_file():
        pytest.skip("the console is not built; run `./dev console`")
    with open_stage(tmp_path) as found:
        yield found


Visit = Callable[..., Watched]


@pytest.fixture
def visit(chromium: Browser, stage: Stage) -> Iterator[Visit]:
    """Opens a page in a browser of its own; in the end none of them may have complained or asked another host."""
    opened: list[Watched] = []

    def open_page(*, width: int = 1440, height: int = 900, locale: str = "en-GB") -> Watched:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale=locale)
        opened.append(open_watched(context, stage.url))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.page.context.close()
    assert [c for w in opened for c in w.complaints] == []
    assert [s for w in opened for s in w.strangers] == []


@pytest.fixture
def now(visit: Visit) -> Now:
    """The first page of somebody who is signed in."""
    page = visit().page
    Door(page).sign_in(OPERATOR, PASSWORD)
    now = Now(page)
    now.is_there()
    return now
