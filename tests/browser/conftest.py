"""A browser and a demo for the files of this folder; every page that is looked at must have had nothing to complain of.

It must never share a demo between files: what one breaks is not for another to find.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.demo.support import Demo, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.chromium import Looked

Look = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One Chromium for a file of tests; the tests are skipped where there is none."""
    from tests.browser.chromium import chromium  # noqa: PLC0415 - where there is no playwright, it skips

    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def demo(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that is up, for a file of tests."""
    with started(tmp_path_factory.mktemp("demo"), "--format", "json") as running:
        assert running.up
        yield running


@pytest.fixture
def look(browser: "Browser") -> Iterator[Look]:
    """Opens a page: `look(url, size=, scheme=, forgiven=)`; `forgiven` are parts of complaints that a test expects."""
    from tests.browser.chromium import looking_at  # noqa: PLC0415

    pages: list[tuple[Looked, tuple[str, ...]]] = []
    with ExitStack() as opened:

        def open_page(url: str, *, forgiven: tuple[str, ...] = (), **how: Any) -> "Page":
            looked = opened.enter_context(looking_at(browser, url, **how))
            pages.append((looked, forgiven))
            return looked.page

        yield open_page
        for looked, forgiven in pages:
            left = [each for each in looked.complaints if not any(part in each for part in forgiven)]
            assert left == [], "the page complained"
            assert looked.foreign == [], "the page asked others"


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rules of accessibility as a script; the test is skipped where they are not to be had."""
    from tests.browser.axe import NPM, source  # noqa: PLC0415

    cache: pytest.Cache | None = getattr(request.config, "cache", None)  # none without its plugin
    if NPM is None:
        pytest.skip("there is no npm here")
    try:
        return source(tmp_path_factory.mktemp("axe") / "kept" if cache is None else cache.mkdir("axe-core"))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm cannot fetch axe-core here")
