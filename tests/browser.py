"""A headless Chromium for tests of pages: where it is found, how it is started, and what must not happen in it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

HERE = ("file", "data", "blob", "about")  # schemes of what comes from no network
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@cache
def chromium_path() -> str:
    """The browser's program. As root, it is installed where it is missing; else the test says what to install."""
    if (found := _found()) or os.geteuid() or not shutil.which("apt-get"):
        return found or pytest.skip("no Chromium is found: install it, as root: apt-get install -y chromium")
    done = subprocess.run(["apt-get", "install", "-y", "chromium"], capture_output=True, text=True, check=False)
    last = (done.stderr.strip() or "no message").splitlines()[-1]
    return _found() or pytest.skip(f"no Chromium is found, and `apt-get install -y chromium` failed ({last})")


def _found() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def launched(*arguments: str) -> Iterator[Browser]:
    """A browser without a window; `arguments` are Chromium's own.

    While it runs, asyncio takes this thread's loop for a running one: a fixture of it lives for one module.
    """
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)  # of the console, and exceptions
    away: list[str] = field(default_factory=list)  # addresses beyond this machine that were asked for

    def check(self) -> None:
        assert (self.errors, self.away) == ([], [])


@contextmanager
def opened(
    browser: Browser, address: str, width: int = 1400, height: int = 900, dark: bool = False
) -> Iterator[Watched]:
    """A page of its own at `address`, of this size. Errors and requests that leave the machine are collected."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    try:
        watched = Watched(context.new_page())

        def hear(message: ConsoleMessage) -> None:
            if message.type == "error":
                watched.errors.append(message.text)

        def see(request: Request) -> None:
            place = urlsplit(request.url)
            if place.scheme not in HERE and place.hostname not in LOOPBACK:
                watched.away.append(request.url)

        watched.page.on("console", hear)
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        watched.page.on("request", see)
        watched.page.goto(address)
        yield watched
    finally:
        context.close()
