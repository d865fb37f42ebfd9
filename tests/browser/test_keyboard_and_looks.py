"""The console without a mouse, on a phone, in light and dark, by the rules of accessibility, and when the gateway ends.

It must never judge a page by its markup alone: everything is looked at in the browser.
"""

import signal
from pathlib import Path

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import PHONE, WIDE, Page, Scheme, expect, overflows
from tests.browser.conftest import Look
from tests.demo.support import Demo, started


def opened(demo: Demo, look: Look, size: tuple[int, int] = WIDE, scheme: Scheme = "light") -> Page:
    """The console, live, with its demo panel."""
    page = look(demo.up["admin"], size=size, scheme=scheme)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator("[data-fault=none]")).to_be_visible()
    return page


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this is where the focus is."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate("(one) => one === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {selector}")


def break_and_see(demo: Demo, page: Page) -> None:
    """Somebody has tried to log in while the auth service was gone."""
    demo.break_with("stopped")
    assert demo.log_in().status == 503
    expect(page.locator("#headline")).to_have_attribute("data-state", "failing")
    expect(page.locator("#failures tbody tr").first).to_be_visible()


def test_everything_can_be_done_with_the_keyboard_alone(demo: Demo, look: Look) -> None:
    demo.break_with("none")
    page = opened(demo, look)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to what is happening")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "[data-fault=stopped]")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("[data-fault=stopped]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#fault-what")).to_contain_text("killed")
    tab_to(page, "#login-password")
    page.keyboard.press("Enter")
    expect(page.locator(".answer-status")).to_have_text("503 Service Unavailable")
    expect(page.locator("#failures tbody tr").first).to_be_visible()
    tab_to(page, "#failures tbody tr:first-child button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Check first")
    page.keyboard.press("Escape")
    expect(page.locator("#failures tbody tr:first-child button")).to_be_focused()
    tab_to(page, "#doctor-run")
    page.keyboard.press("Space")
    expect(page.locator("#doctor-verdict")).to_contain_text("Cause: ")
    demo.break_with("none")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (PHONE, "light")], ids=["wide-dark", "phone-light"])
def test_no_rule_of_accessibility_is_broken(
    demo: Demo, look: Look, axe: str, size: tuple[int, int], scheme: Scheme
) -> None:
    demo.break_with("none")
    page = opened(demo, look, size, scheme)
    assert violations(page, axe) == []
    break_and_see(demo, page)
    page.get_by_role("button", name="Run doctor").click()
    expect(page.locator("#doctor-verdict")).to_contain_text("Cause: ")
    page.get_by_role("heading", name="Settings").click()
    expect(page.get_by_label("Find a setting")).to_be_visible()
    assert violations(page, axe) == []
    page.get_by_role("button", name="Story of request").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Check first")
    assert violations(page, axe) == []
    demo.break_with("none")


def test_on_a_phone_nothing_has_to_be_moved_sideways(demo: Demo, look: Look) -> None:
    demo.break_with("none")
    page = opened(demo, look, PHONE)
    assert overflows(page) == []
    break_and_see(demo, page)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator("#answer pre")).to_be_visible()
    page.get_by_role("button", name="Run doctor").click()
    expect(page.locator("#doctor-verdict")).to_contain_text("Cause: ")
    page.get_by_role("heading", name="Settings").click()
    expect(page.get_by_label("Find a setting")).to_be_visible()
    assert overflows(page) == []
    assert page.locator("main .card").evaluate_all(
        "(cards) => new Set(cards.map((one) => Math.round(one.getBoundingClientRect().left))).size"
    ) == 1, "one column"  # fmt: skip
    demo.break_with("none")


def test_light_and_dark_are_as_the_system_has_it_or_as_was_chosen_and_stay_so(demo: Demo, look: Look) -> None:
    page = opened(demo, look, scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    theme = page.get_by_role("button", name="Theme:")
    theme.click()
    expect(theme).to_have_text("Theme: light")
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    expect(theme).to_have_text("Theme: light")
    assert page.evaluate(ground) == light
    theme.click()
    assert page.evaluate(ground) == dark
    theme.click()
    expect(theme).to_have_text("Theme: system")


def test_tabs_that_nobody_sees_keep_no_connection_from_those_that_are_seen(demo: Demo, look: Look) -> None:
    first = opened(demo, look)
    pages = [first, *(first.context.new_page() for _ in range(8))]
    for page in pages:
        page.goto(demo.up["admin"])
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.evaluate(
            """() => { Object.defineProperty(document, "hidden", { value: true, configurable: true });
                       document.dispatchEvent(new Event("visibilitychange")); }"""
        )
    first.evaluate(
        """() => { Object.defineProperty(document, "hidden", { value: false, configurable: true });
                   document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    break_and_see(demo, first)
    demo.break_with("none")


def test_a_gateway_that_ends_is_told_and_its_return_noticed(tmp_path: Path, look: Look) -> None:
    with started(tmp_path, "--format", "json") as demo:
        page = look(demo.up["admin"], forgiven=("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY"))
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        assert demo.ended(signal.SIGTERM) == 0
        expect(page.get_by_role("alert")).to_contain_text("The gateway does not answer.")
        expect(page.locator("#link")).to_have_text("Connection lost")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        (tmp_path / "again").mkdir()
        ports = [part for name in ("public", "admin") for part in _option(name, demo.up[name])]
        with started(tmp_path / "again", "--format", "json", ports=(*ports, "--authd-port", "0")) as again:
            assert again.up["admin"] == demo.up["admin"]
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
            expect(page.get_by_role("alert")).to_be_hidden()


def _option(listener: str, url: str) -> tuple[str, str]:
    return ("--port" if listener == "public" else "--admin-port", url.rpartition(":")[2])
