"""The pictures in docs/images, taken of a demo that was used for a while: `python -m tests.browser.pictures`.

It must never paint anything: what is to be seen has happened.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.browser.chromium import PHONE, Browser, Page, Scheme, chromium, expect, looking_at
from tests.demo.support import Demo, ask, started

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs/images"
LONGEST_BYTES: Final = 300_000
"""A page of documentation is to be there at once."""
NAMES: Final = ("console-light.png", "console-dark.png", "console-doctor.png", "console-story.png", "console-phone.png")
_SIZE: Final = (1280, 1130)
"""So that the charts are on the picture."""
_PAUSE_S: Final = 0.5
_STRANGERS: Final = 12
"""Every so many logins, somebody mistypes."""


def take(demo: Demo, browser: Browser, folder: Path, live_through: Callable[[Demo], None]) -> None:
    """All pictures: of a demo that was lived through, then of the same while its auth service is gone."""
    admin = demo.up["admin"]
    live_through(demo)
    demo.break_with("none")
    with looking_at(browser, admin, _SIZE, "light") as looked:
        _log_in(looked.page, "200 OK")
        _save(looked.page, folder / "console-light.png")
    demo.break_with("stopped")
    for number in range(3):
        demo.log_in(request_id=f"while-it-was-gone-{number}")
    with looking_at(browser, admin, _SIZE, "dark") as looked:
        page = looked.page
        _log_in(page, "503 Service Unavailable")
        expect(page.locator("#headline")).to_have_attribute("data-state", "failing")
        _save(page, folder / "console-dark.png")
        page.get_by_role("button", name="Run doctor").click()
        expect(page.locator("#doctor-verdict")).to_contain_text("Cause: ")
        _save_part(page, "#doctor", folder / "console-doctor.png")
        page.get_by_role("button", name="Story of request").first.click()
        expect(page.get_by_role("dialog")).to_contain_text("Check first")
        _save_part(page, "#story", folder / "console-story.png")
    _phone(browser, admin, folder, "light")
    demo.break_with("none")


def _phone(browser: Browser, admin: str, folder: Path, scheme: Scheme) -> None:
    with looking_at(browser, admin, PHONE, scheme) as looked:
        expect(looked.page.locator("[data-fault=stopped]")).to_be_visible()
        _save(looked.page, folder / "console-phone.png")


def _log_in(page: Page, answer: str) -> None:
    expect(page.locator("[data-fault=none]")).to_be_visible()
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator(".answer-status")).to_have_text(answer)
    page.evaluate("document.activeElement.blur()")


def _save(page: Page, path: Path) -> None:
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path)


def _save_part(page: Page, selector: str, path: Path) -> None:
    page.locator(selector).screenshot(path=path)


def a_while(minutes: float) -> Callable[[Demo], None]:
    """People log in, some mistype; twice in the time the auth service is unwell, and is mended."""

    def live(demo: Demo) -> None:
        began_s = time.monotonic()
        unwell = [(0.35, "server-error"), (0.39, "none"), (0.65, "slow"), (0.7, "none"), (1.0, "none")]
        for number in itertools.count():
            part = (time.monotonic() - began_s) / (minutes * 60)
            if part >= 1:
                return
            if part > unwell[0][0]:
                demo.break_with(unwell.pop(0)[1])
            if number % _STRANGERS:
                demo.log_in(request_id=f"somebody-{number}")
            else:
                _mistype(demo, number)
            time.sleep(_PAUSE_S * (1 + (number % 7) / 4))

    return live


def _mistype(demo: Demo, number: int) -> None:
    body = b'{"email": "somebody-%d@netra.test", "password": "not-what-it-was"}' % number
    ask("POST", demo.up["login"], body, {"Content-Type": "application/json"})


def main() -> None:
    """Take them anew, after as many minutes as the charts show."""
    parser = argparse.ArgumentParser(description="Takes the pictures in docs/images anew.")
    parser.add_argument("--minutes", type=float, default=15.0, help="how long the demo is used before")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        folder.mkdir()
        with started(folder, "--format", "json") as demo, chromium() as browser:
            take(demo, browser, wanted.folder, a_while(wanted.minutes))


if __name__ == "__main__":
    main()
