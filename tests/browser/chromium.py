"""A real Chromium, driven by Playwright, and what a page complained of while it was looked at.

It must never ask the network for anything but the listener under test, nor keep a profile.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final, Literal, NamedTuple

import pytest

if find_spec("playwright") is None:
    pytest.skip("there is no playwright here", allow_module_level=True)

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

__all__ = ["Browser", "Page", "expect"]

FOUND: Final = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE_MS: Final = 20_000
"""For what is to appear, on a busy machine; a bound, not an expectation."""
WIDE: Final = (1280, 1000)
PHONE: Final = (390, 844)
_OPTIONS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",  # containers have little of it
)  # fmt: skip

Scheme = Literal["light", "dark"]


class Looked(NamedTuple):
    """A page, and what went wrong while it was looked at."""

    page: Page
    complaints: list[str]
    """Errors of scripts, refusals of the policy, files that were not to be had."""
    foreign: list[str]
    """Addresses of others that were asked for."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a new profile; it ends with the block."""
    if FOUND is None:
        pytest.skip("there is no chromium here")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=FOUND, args=[*_OPTIONS])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking_at(browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: Scheme = "light") -> Iterator[Looked]:
    """A page of a new profile at `url`, once it is loaded."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    looked = Looked(page, [], [])
    _listen(looked, url)
    page.goto(url, wait_until="load")
    try:
        yield looked
    finally:
        context.close()


def _listen(looked: Looked, url: str) -> None:
    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            looked.complaints.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((url.rstrip("/"), "data:")):
            looked.foreign.append(request.url)

    looked.page.on("console", said)
    looked.page.on("pageerror", lambda error: looked.complaints.append(str(error)))
    looked.page.on("request", asked)


def overflows(page: Page) -> Sequence[Any]:
    """What reaches beyond the right edge of the window, if the page can be moved sideways."""
    found: Sequence[Any] = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
             .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
             .map((one) => `${one.tagName} ${one.className} ${one.id}`).slice(0, 5).concat("the page")"""
    )
    return found
