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
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.conftest import Cli, Running

PASSWORD = "correct horse 电池 staple"
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required")  # fmt: skip


@dataclass
class Console:
    """A running service: its address, and accounts that have a password."""

    cli: Cli
    port: int
    running: Running | None = None
    people: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the service and wait until it answers."""
        self.running = self.cli.start("serve", "--port", self.port, LIVEWITNESS_ACCOUNTS="1")
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=2).close()
                return
            except OSError:
                assert self.running.process.poll() is None, self.running.messages[-5:]
                assert time.monotonic() < deadline
                time.sleep(0.2)

    def stop(self) -> None:
        """End it as an operator does."""
        assert self.running is not None
        self.running.process.terminate()
        self.running.wait(30)

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


@dataclass
class Desk:
    """A page of one person; what the browser complained of, and where it went."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the console."""
        self.page.goto(self.url + path)
        return self.page

    def picture(self, name: str) -> None:
        """Keep a picture of the page where pictures are wanted."""
        folder = os.environ.get("LIVEWITNESS_PICTURES")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png")


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


@pytest.fixture
def make_desk(browser: Browser, console: Console) -> Iterator[Callable[[], Desk]]:
    """A fresh browser profile. At the end: no complaint on its console, no request to elsewhere."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def make() -> Desk:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
        contexts.append(context)
        desk = Desk(context.new_page(), console.url)
        desk.page.on("console", lambda m: desk.complaints.append(m.text) if m.type == "error" else None)
        desk.page.on("pageerror", lambda e: desk.complaints.append(str(e)))
        context.on(
            "request",
            lambda r: desk.strangers.append(r.url) if urlsplit(r.url).hostname not in {"127.0.0.1", None} else None,
        )
        desks.append(desk)
        return desk

    yield make
    for context in contexts:
        context.close()
    for desk in desks:
        assert desk.strangers == []
        assert desk.complaints == []


@pytest.fixture
def desk_of(console: Console, make_desk: Callable[[], Desk]) -> Callable[[str], Desk]:
    """A desk where a person of that role is signed in, by one-time link the first time, then by password."""

    def enter(role: str) -> Desk:
        desk = make_desk()
        if role not in console.people:
            if role == "admin":
                link = console.first_link()
            else:
                link = console.cli.run("accounts", "add", role, "--role", role).out.strip()
                link = f"{console.url}/sign-in#{link.partition('#')[2]}"
            desk.page.goto(link)
            desk.page.fill("#password", PASSWORD)
        else:
            desk.page.goto(f"{console.url}/sign-in")
            desk.page.fill("#name", role)
            desk.page.fill("#password", PASSWORD)
        desk.page.click("button[type=submit]")
        desk.page.wait_for_url(f"{console.url}/")
        console.people[role] = PASSWORD
        return desk

    return enter
