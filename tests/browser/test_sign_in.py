"""An admin listener with a token, seen from a browser: sign in, be refused, sign out, and what others' pages may do.

It must never send the token in an address.
"""

from collections.abc import Iterator

import pytest

from tests.browser.axe import violations
from tests.browser.chromium import Page, expect
from tests.browser.conftest import Look
from tests.support.gateways import ENVIRONMENT
from tests.support.places import free_port
from tests.support.programs import Gateway

TOKEN = "test-only-Qm7xVb2KpZs9TfLr4WcHd8NyGjE3uAo6"
REFUSED = ("401",)
"""A browser notes each refusal of a page or of a token; here they are what is looked at."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A gateway whose auth service is not there: the console must do all the same."""
    url = f"http://127.0.0.1:{free_port()}"
    with Gateway(url, told=ENVIRONMENT, NETRA_ADMIN_TOKEN=TOKEN) as running:
        yield running


@pytest.fixture
def page(gateway: Gateway, look: Look) -> Page:
    """The page that asks for the token."""
    opened = look(gateway.admin_url, forgiven=REFUSED)
    expect(opened.get_by_role("heading", name="Sign in")).to_be_visible()
    return opened


def sign_in(page: Page, token: str) -> None:
    """Fill in the form and send it."""
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def test_the_token_leads_to_the_console_and_signing_out_back(page: Page) -> None:
    expect(page.get_by_label("Admin token")).to_be_focused()
    sign_in(page, TOKEN)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert TOKEN not in page.url
    expect(page.locator("#demo")).to_be_hidden()
    session = next(each for each in page.context.cookies() if each["name"] == "netra_admin")
    assert (session["httpOnly"], session["sameSite"]) == (True, "Strict")
    assert TOKEN not in session["value"]
    page.reload()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_token_says_so_and_stays(page: Page) -> None:
    sign_in(page, "x" * 40)
    expect(page.get_by_role("alert")).to_have_text("This is not the admin token of this gateway.")
    expect(page.get_by_label("Admin token")).to_be_focused()
    assert not any(each["name"] == "netra_admin" for each in page.context.cookies())


def test_a_page_whose_session_ends_asks_again(page: Page) -> None:
    sign_in(page, TOKEN)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Run doctor").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_without_an_auth_service_the_console_says_what_is_wrong(page: Page) -> None:
    sign_in(page, TOKEN)
    expect(page.get_by_role("heading", level=1)).to_contain_text("refused the connection")
    expect(page.locator("[data-station=tcp]")).to_have_attribute("data-state", "failing")
    expect(page.get_by_text("Nobody has tried to log in.")).to_be_visible()


def test_the_form_works_without_scripts(gateway: Gateway, page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    try:
        plain = context.new_page()
        plain.goto(gateway.admin_url)
        sign_in(plain, TOKEN)
        expect(plain.locator("noscript p")).to_contain_text("The console is drawn by scripts")
        expect(plain.locator("noscript p")).to_be_visible()
    finally:
        context.close()


def test_the_sign_in_breaks_no_rule_of_accessibility(page: Page, axe: str) -> None:
    assert violations(page, axe) == []
