"""The console in a real browser, on a real service with accounts, while the bundled broadcast plays.

Run by ``make test-browser``. With ``LIVEWITNESS_PICTURES`` set to a folder, pictures of the pages are written there.
"""

import os
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState, expect, sync_playwright

from api.auth.credentials import invite
from core.access import Role
from store.engine import Database, open_database
from tests.e2e.conftest import ROOT, Cli, Running

PASSWORD = "correct horse 电池 staple"
expect.set_options(timeout=30_000)  # a machine with other work on it is slow, not wrong
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required")  # fmt: skip
# In pictures folders of this machine bear the names that they have by default.
_TIDY = """(shown) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const [folder, name] of shown) walker.currentNode.data = walker.currentNode.data.replaceAll(folder, name);
  }
}"""

_POSTERS = """Promise.all([...document.querySelectorAll('video[poster]')].map((video) => new Promise((done) => {
  const picture = new Image();
  picture.onload = picture.onerror = () => requestAnimationFrame(() => requestAnimationFrame(done));
  picture.src = video.poster;
})))"""


@dataclass
class Console:
    """A running service: its address, and the cookies of whoever signed in, the stream that plays."""

    cli: Cli
    port: int
    running: Running | None = None
    people: dict[str, StorageState] = field(default_factory=dict)
    stream: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def archive(self) -> Path:
        """Where recordings lie that may be backfilled."""
        return self.cli.data.parent / "archive"

    def start(self) -> None:
        """Start the service and wait until it answers."""
        self.running = self.cli.start(
            "serve", "--port", self.port, LIVEWITNESS_ACCOUNTS="1", LIVEWITNESS_ARCHIVE=str(self.archive)
        )
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/sign-in", timeout=10).close()
                return
            except OSError:
                assert self.running.process.poll() is None, self.running.messages[-5:]
                assert time.monotonic() < deadline
                time.sleep(0.2)

    def stop(self) -> None:
        """End it as an operator does."""
        assert self.running is not None
        self.running.process.terminate()
        self.running.wait(90)

    def invite(self, role: str) -> str:
        """A one-time link for somebody of that role, who bears its name."""
        db = self.database()
        try:
            return invite(db, role, Role(role), "")
        finally:
            db.close()

    def first_link(self) -> str:
        """The one-time link of the first start."""
        assert self.running is not None
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for message in self.running.messages:
                if found := re.search(r"http://\S+/sign-in#\S+", message):
                    return found.group()
            time.sleep(0.1)
        raise AssertionError(self.running.messages)

    def database(self) -> Database:
        """What the service keeps, for tests that put something there."""
        return open_database(self.cli.data / "livewitness.db")


@dataclass
class Desk:
    """A page of one person; what the browser complained of, and where it went."""

    page: Page
    url: str
    data: Path
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the console."""
        self.page.goto(self.url + path)
        return self.page

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the browser complains of, but not 404 for the newest words, whose segment may still be open."""
        where = message.location["url"]
        early = "404" in message.text and any(f"/{what}?" in where for what in ("still", "playback", "media"))
        if message.type == "error" and not early:
            self.complaints.append(f"{message.text} {where}")

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of the page, or of as much as the window shows, where pictures are wanted."""
        folder = os.environ.get("LIVEWITNESS_PICTURES")
        if folder:
            self.page.mouse.move(0, 0)
            self.page.evaluate(_POSTERS)
            shown = {str(self.data): "livewitness-data", str(ROOT): "livewitness", str(Path.home()): "~"}
            self.page.evaluate(_TIDY, list(shown.items()))
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)

    def prefer(self, speak: str, theme: str) -> None:
        """Choose language and theme for the pages that are opened from now on."""
        names = {"livewitness_speak": speak, "livewitness_theme": theme}
        self.page.context.add_cookies([{"name": n, "value": v, "url": self.url} for n, v in names.items()])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "no Chromium: make test-browser installs it"
    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=path, args=list(_QUIET))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Console(Cli(tmp_path_factory.mktemp("console") / "data"), port)
    made.start()
    yield made
    made.cli.close()


@dataclass
class Desks:
    """Makes desks, a fresh browser profile each. When it ends: no complaint on a console, no request to elsewhere."""

    browser: Browser
    console: Console
    made: list[Desk] = field(default_factory=list)

    def make(self, signed_in: StorageState | None = None) -> Desk:
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="zh-CN", color_scheme="light", storage_state=signed_in
        )
        desk = Desk(context.new_page(), self.console.url, self.console.cli.data)
        desk.page.set_default_timeout(60_000)
        desk.page.on("console", desk.hear)
        desk.page.on("pageerror", lambda e: desk.complaints.append(str(e)))
        context.on(
            "request",
            lambda r: desk.strangers.append(r.url) if urlsplit(r.url).hostname not in {"127.0.0.1", None} else None,
        )
        self.made.append(desk)
        return desk

    def of(self, role: str) -> Desk:
        """Where a person of that role is signed in: by one-time link the first time, by its cookie from then on."""
        people = self.console.people
        if role in people:
            desk = self.make(people[role])
            desk.open("/")
            return desk
        desk = self.make()
        link = (
            self.console.first_link() if role == "admin" else f"{self.console.url}/sign-in#{self.console.invite(role)}"
        )
        desk.page.goto(link)
        desk.page.fill("#password", PASSWORD)
        desk.page.click("button[type=submit]")
        desk.page.wait_for_url(f"{self.console.url}/")
        people[role] = desk.page.context.storage_state()
        return desk

    def close(self) -> None:
        """End them all."""
        for desk in self.made:
            desk.page.context.close()
        for desk in self.made:
            assert desk.strangers == []
            assert desk.complaints == []


@pytest.fixture
def desks(browser: Browser, console: Console) -> Iterator[Desks]:
    made = Desks(browser, console)
    yield made
    made.close()


@pytest.fixture(scope="module")
def lasting(browser: Browser, console: Console) -> Iterator[Desks]:
    """Desks that stay open over the tests of a file."""
    made = Desks(browser, console)
    yield made
    made.close()


@pytest.fixture
def make_desk(desks: Desks) -> Callable[..., Desk]:
    """A desk where nobody is signed in."""
    return desks.make


@pytest.fixture
def desk_of(desks: Desks) -> Callable[[str], Desk]:
    """A desk where a person of that role is signed in."""
    return desks.of


@pytest.fixture
def broadcast(console: Console, desk_of: Callable[[str], Desk]) -> str:
    """The bundled broadcast as the console itself plays it, begun by the first test that needs it; its name."""
    if not console.stream:
        begin_the_demonstration(console, desk_of("admin").page)
    return console.stream


def begin_the_demonstration(console: Console, page: Page) -> None:
    """As an operator does on an empty console."""
    page.click("#demo")
    expect(page.locator("[data-step=playing].done")).to_be_visible(timeout=120_000)
    console.stream = page.evaluate("fetch('/api/v1/demonstration').then(r => r.json()).then(d => d.stream)")
