"""The console of a demo as a newcomer uses it: break, log in, see the cause, read the story, run the doctor, mend.

It must never wait for a time: only for what is to be seen.
"""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.conftest import Look
from tests.demo.support import Demo


@pytest.fixture
def page(demo: Demo, look: Look) -> Iterator[Page]:
    """The console, live, with nothing broken."""
    demo.break_with("none")
    opened = look(demo.up["admin"])
    expect(opened.get_by_text("Live", exact=True)).to_be_visible()
    expect(opened.locator("[data-fault=none]")).to_have_attribute("aria-pressed", "true")
    yield opened
    demo.break_with("none")


def log_in(page: Page) -> None:
    """As the form is filled in when the page opens."""
    page.get_by_role("button", name="Log in", exact=True).click()


def break_with(page: Page, fault: str) -> None:
    """By its button; waits until it has taken effect."""
    page.locator(f"[data-fault={fault}]").click()
    expect(page.locator("#fault-what")).not_to_have_text("One moment …")
    expect(page.locator(f"[data-fault={fault}]")).to_have_attribute("aria-pressed", "true")


def test_what_breaks_is_named_its_story_told_the_doctor_finds_it_and_it_heals(page: Page) -> None:
    log_in(page)
    expect(page.locator(".answer-status")).to_have_text("200 OK")
    expect(page.locator("#headline")).to_have_attribute("data-state", "ok")

    break_with(page, "stopped")
    log_in(page)
    expect(page.locator(".answer-status")).to_have_text("503 Service Unavailable")
    expect(page.locator("#answer pre")).to_contain_text('"code": "connection_refused"')
    expect(page.get_by_role("heading", level=1)).to_contain_text("refused the connection")
    expect(page.locator("#headline")).to_have_attribute("data-state", "failing")
    expect(page.locator("#headline-first")).to_contain_text("First: ")
    expect(page).to_have_title("✕ connection_refused, Netra console")
    expect(page.locator("[data-station=tcp]")).to_contain_text("fails")
    expect(page.locator("[data-station=http]")).to_contain_text("not known")

    page.get_by_role("row", name="Connection refused").first.get_by_role("button", name="Story of request").click()
    story = page.get_by_role("dialog")
    expect(story).to_contain_text("Login failed")
    expect(story).to_contain_text("Check first")
    expect(story.get_by_role("listitem").first).to_contain_text("Check that the auth service is running")
    expect(story.locator(".try")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(story).to_be_hidden()

    page.get_by_role("button", name="Run doctor").click()
    expect(page.locator("#doctor-verdict")).to_contain_text("Cause: ")
    expect(page.locator("[data-hop=tcp]")).to_have_attribute("data-state", "fail")
    expect(page.locator("[data-hop=dns]")).to_have_attribute("data-state", "pass")
    expect(page.locator("[data-hop=login]")).to_have_count(0)

    break_with(page, "none")
    log_in(page)
    expect(page.locator(".answer-status")).to_have_text("200 OK")
    expect(page.locator("#headline")).to_have_attribute("data-state", "ok")
    expect(page).to_have_title("Netra console")
    expect(page.locator("[data-station=tcp]")).to_contain_text("works")


@pytest.mark.parametrize(
    ("fault", "station", "code"),
    [
        ("wrong-service-secret", "service_credentials", "service_credentials_rejected"),
        ("html-error", "http", "intermediary_error"),
        ("server-error", "auth_service", "auth_service_error"),
    ],
)
def test_each_fault_shows_at_its_own_station(page: Page, fault: str, station: str, code: str) -> None:
    break_with(page, fault)
    log_in(page)
    expect(page.locator("#answer pre")).to_contain_text(f'"code": "{code}"')
    expect(page.locator(f"[data-station={station}]")).to_have_attribute("data-state", "failing")
    expect(page.locator(f"[data-station={station}]")).to_contain_text(code)


def test_a_wrong_password_is_a_healthy_answer(page: Page) -> None:
    log_in(page)
    expect(page.locator("#headline")).to_have_attribute("data-state", "ok")
    page.get_by_label("Password", exact=True).fill("not-my-password")
    log_in(page)
    expect(page.locator(".answer-status")).to_have_text("401 Unauthorized")
    page.get_by_label("Also rejections").check()
    expect(page.locator("tr[data-verdict=rejected]").first).to_contain_text("invalid_credentials")
    expect(page.locator("#headline")).to_have_attribute("data-state", "ok")


def test_a_request_id_that_a_user_tells_leads_to_its_story(page: Page) -> None:
    log_in(page)
    shown = page.locator("#answer dd").first
    request_id = shown.inner_text()
    field = page.get_by_label("Request id")
    field.fill(request_id)
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(request_id)
    expect(page.get_by_role("dialog")).to_contain_text("Login succeeded")


def test_a_request_id_that_never_came_here_says_so(demo: Demo, look: Look) -> None:
    page = look(demo.up["admin"], forgiven=("404",))
    page.get_by_label("Request id").fill("never-came-here")
    page.get_by_label("Request id").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("netra trace --from-logs")


def test_a_healthy_installation_passes_the_doctor(page: Page) -> None:
    page.get_by_role("button", name="Run doctor").click()
    expect(page.locator("#doctor-verdict")).to_contain_text("All is well.")
    expect(page.locator("[data-hop=contract]")).to_have_attribute("data-state", "pass")


def test_settings_tell_their_origin_and_no_secret(page: Page) -> None:
    page.get_by_role("heading", name="Settings").click()
    settings = page.locator("#settings")
    row = settings.get_by_role("row", name="SERVICE_SECRET", exact=False).first
    expect(row).to_contain_text("fingerprint")
    expect(row).to_contain_text("••••••")
    page.get_by_label("Find a setting").fill("netra_tries")
    expect(settings.get_by_role("row", name="NETRA_TRIES")).to_be_visible()
    expect(settings.get_by_role("row", name="SERVICE_SECRET")).to_have_count(0)


def test_two_pages_show_the_same(demo: Demo, page: Page, look: Look) -> None:
    other = look(demo.up["admin"])
    break_with(page, "frozen")
    expect(other.locator("[data-fault=frozen]")).to_have_attribute("aria-pressed", "true")
    break_with(page, "none")
    page.get_by_role("button", name="Run doctor").click()
    expect(other.locator("#doctor-verdict")).to_contain_text("All is well.")
