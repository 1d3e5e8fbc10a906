"""Page objects: what a person sees and does on each page of the console, in their words. They wait, they never sleep."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

expect.set_options(timeout=10_000)


@dataclass
class Watched:
    """A page with everything that it must not do: complain, or ask another host."""

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list[str])
    strangers: list[str] = field(default_factory=list[str])

    def on_console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def on_request(self, request: Request) -> None:
        """Keep what goes anywhere but to the hub."""
        if urlsplit(request.url).netloc != self.host:
            self.strangers.append(request.url)


def open_watched(context: BrowserContext, url: str) -> Watched:
    """A new page at the hub's address."""
    page = context.new_page()
    watched = Watched(page, urlsplit(url).netloc)
    page.on("console", watched.on_console)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("request", watched.on_request)
    page.goto(url)
    return watched


class Door:
    """Signing in, and choosing a password of one's own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_in(self, name: str, password: str) -> None:
        """Give name and password."""
        self.page.locator("input[autocomplete=username]").fill(name)
        self.page.locator("input[autocomplete=current-password]").fill(password)
        self.page.keyboard.press("Enter")

    def choose_password(self, once: str, new: str) -> None:
        """Replace the one-time password."""
        self.page.get_by_label("One-time password").fill(once)
        self.page.get_by_label("New password,").fill(new)
        self.page.get_by_label("New password again").fill(new)
        self.page.get_by_role("button", name="Set password").click()

    def says(self, text: str) -> None:
        """The page tells the person why it stays shut."""
        expect(self.page.get_by_role("alert")).to_contain_text(text)


class Now:
    """The queue, the plan, the open incident."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def rows(self) -> Locator:
        """The incidents in the queue, the first to do first."""
        return self.page.locator("[data-incident]")

    def row(self, text: str) -> Locator:
        """The incident that says `text`."""
        return self.rows.filter(has_text=text)

    def zone(self, zone: str) -> Locator:
        """A zone on the plan."""
        return self.page.locator(f"[data-zone={zone}]")

    @property
    def marks(self) -> Locator:
        """Hazards on the plan."""
        return self.page.locator(".plan a.plan-mark")

    @property
    def detail(self) -> Locator:
        """The open incident."""
        return self.page.locator("article.incident")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def is_there(self) -> None:
        """The queue has come."""
        expect(self.rows.first).to_be_visible()

    def has_no_sideways_scroll(self) -> None:
        """The page is as wide as the window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{wide} px wider than the window"


class Equipment:
    """Gateways, their devices, quarantine."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        """Go there by key."""
        self.page.keyboard.press("2")
        expect(self.page.get_by_role("heading", name="Equipment", level=1)).to_be_visible()

    def gateway(self, gateway: str) -> Locator:
        """The card of a gateway."""
        return self.page.get_by_role("article", name=gateway)

    def device(self, device: str) -> Locator:
        """The row of a device."""
        return self.page.get_by_role("row").filter(has_text=device)

    @property
    def quarantine(self) -> Locator:
        """The table of what was refused."""
        return self.page.locator("section").filter(has_text="What was refused").get_by_role("row")


class Settings:
    """Language, theme, tokens."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        """Go there by key."""
        self.page.keyboard.press("3")
        expect(self.page.get_by_role("heading", name="Settings", level=1)).to_be_visible()

    def choose(self, name: str) -> None:
        """Choose a language or a theme."""
        self.page.get_by_role("radio", name=name).check()

    def make_token(self, name: str) -> str:
        """Make a token; its secret."""
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Make token").click()
        return self.page.locator(".secret code").inner_text()

    def revoke_token(self, name: str) -> None:
        """Revoke a token, and mean it."""
        row = self.page.get_by_role("listitem").filter(has_text=name)
        row.get_by_role("button", name="Revoke").click()
        row.get_by_role("button", name="Revoke").click()

    def token(self, name: str) -> Locator:
        """A token in the list."""
        return self.page.locator(".tokens li").filter(has_text=name)
