"""Whether pages of a web origin may call this gateway, by what the gateway itself would answer."""

import pytest

from netra.doctor.diagnosis import Check
from netra.doctor.hops import origins
from netra.doctor.visit import Wanted
from tests.doctor.visits import only, seen, visit

NOWHERE = "http://127.0.0.1:1"


async def looked(origin: str | None, listed: str | None) -> dict[str, Check]:
    """What the hop says; nobody is asked."""
    async with visit(NOWHERE, Wanted(origin=origin), NETRA_CORS_ORIGINS=listed) as one:
        return await seen(origins.checks, one)


async def test_without_an_origin_there_is_no_check() -> None:
    assert not await looked(None, "https://app.example.com")


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com/",
        "HTTPS://App.Example.COM/login?next=%2F#top",
        "https://app.example.com:443",
        " https://app.example.com\n",
        "http://localhost:3000",
        "http://[::1]:3000/",
        "https://bücher.example.com",
    ],
)
async def test_a_listed_origin_passes_as_browsers_spell_it(origin: str) -> None:
    listed = "https://app.example.com, http://localhost:3000, http://[::1]:3000, https://xn--bcher-kva.example.com"
    assert (await looked(origin, listed))["origin"].state == "pass"


@pytest.mark.parametrize(
    ("origin", "listed", "words"),
    [
        ("http://app.example.com", "https://app.example.com", "the page has http"),
        ("https://app.example.com:8443", "https://app.example.com", "the page has another port"),
        ("https://app.example.com", "https://app.example.com:8443", "the page has the usual port"),
        ("http://localhost:5173", "http://localhost:3000", "the page has another port"),
        ("https://www.example.com", "https://example.com", "one of them begins with www."),
        ("https://example.com", "https://www.example.com", "one of them begins with www."),
        ("https://example.com.", "https://example.com", "one of them ends in a dot"),
        ("https://shop.example.com", "https://app.example.com", "and not https://shop.example.com"),
        ("https://app.example.com", None, "is not set"),
    ],
)
async def test_an_origin_that_is_not_listed_is_told_with_what_was_probably_meant(
    origin: str, listed: str | None, words: str
) -> None:
    found = (await looked(origin, listed))["origin"]
    finding = only(found)
    assert (found.state, finding.code, finding.subject) == ("fail", "origin_not_listed", "NETRA_CORS_ORIGINS")
    assert words in finding.what
    assert origin in finding.fix


@pytest.mark.parametrize(
    "origin",
    ["null", "*", "", "app.example.com", "file:///home/me/page.html", "https://", "https://a:b@app.example.com",
     "https://app.example.com:99999", "https://[::1", "https://exa mple.com", "https://a\u00ad..b", "x" * 400],
)  # fmt: skip
async def test_what_is_no_origin_is_told_and_never_shown(origin: str) -> None:
    found = (await looked(origin, "https://app.example.com"))["origin"]
    assert (found.state, only(found).code) == ("fail", "origin_form")
    assert "a:b" not in str(found)
