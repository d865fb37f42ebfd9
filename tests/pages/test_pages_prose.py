"""The house style of the pages: what a newcomer at three in the morning can rely on, on every one of them."""

import re
from collections.abc import Iterator

import pytest

from netra.pages import FACTS, Page, read_book
from netra.settings.read import known_names

_BOOK = read_book()
_THE_REPORTS_THREE = (
    "Check AUTH_SERVICE_URL configuration",
    "Verify SERVICE_ID and SERVICE_SECRET are set",
    "Confirm auth service is running and accessible",
)
_UNREACHED = (
    "dns_error",
    "dns_timeout",
    "connection_refused",
    "connection_timeout",
    "destination_unroutable",
    "tls_certificate_error",
    "tls_protocol_error",
    "response_timeout",
    "connection_terminated",
)
_COMMANDS = (
    "netra serve",
    "netra authd",
    "netra demo",
    "netra doctor --offline",
    "netra users add",
    "netra services add",
    "netra wire learn",
    "netra wire check",
    "netra wire show",
    "curl",
    "openssl",
    "dig",
    "getent",
    "ss",
    'printf %s "netra-fp:$SERVICE_SECRET" | openssl',
)
_EVENTS = (
    "Login rejected",
    "Login failed: Access forbidden",
    "All N login attempts failed",
    "Login failed",
    "Auth service connectivity test failed",
    "Circuit opened",
    "Circuit half-open",
    "Circuit closed",
    "Configuration problem",
)
_FROM_STRANGERS = ("answered_by", "content_type", "location_host", "json_keys", "issuer")
_CODE = re.compile(r"`([^`]+)`")
_NOT_OURS = re.compile(
    r"(?i)\b(?!authorization)(please note|simply|oops|color|behavior|e\.g\.|i\.e\.|\w{4,}iz(?:e[sd]?|ing|ation))\b"
)
_VARIABLE = re.compile(r"\b[A-Z]+(?:_[A-Z0-9]+)+\b|\bENVIRONMENT\b")

each_page = pytest.mark.parametrize("page", [pytest.param(page, id=code) for code, page in sorted(_BOOK.items())])


def _all_text(page: Page) -> Iterator[str]:
    yield from (page.title, page.public, *page.operator, *page.check_first, *page.still_works, page.seen, *page.watch)


@each_page
def test_a_page_speaks_calmly_and_in_british_english(page: Page) -> None:
    for text in _all_text(page):
        assert "!" not in text
        assert not _NOT_OURS.search(text), text


@each_page
def test_the_public_sentence_is_one_short_sentence_without_our_insides(page: Page) -> None:
    assert page.public.count(".") == 1
    assert len(page.public) <= 130
    assert not re.search(
        r"(?i)\b(auth service|gateway|host|port|tls|dns|keys?|server|breaker|circuit|proxy)\b", page.public
    )


@each_page
def test_a_title_is_short_and_belongs_to_one_page(page: Page) -> None:
    assert len(page.title) <= 40
    assert page.title[0].isupper()
    assert [other.code for other in _BOOK.values() if other.title == page.title] == [page.code]


@each_page
def test_every_suggestion_tells_a_command_a_name_or_a_variable_in_one_short_line(page: Page) -> None:
    for line in page.check_first:
        assert len(line) <= 200, line
        assert not line.endswith((".", "?")), line
        assert line[0].isupper(), line
        assert line in _THE_REPORTS_THREE or _CODE.search(line) or _VARIABLE.search(line), line


@each_page
def test_suggestions_remain_when_no_fact_is_known(page: Page) -> None:
    assert len(page.suggestions({})) >= 2
    assert not any(re.search(r"[{}]", line) for line in page.suggestions({}))


@each_page
def test_with_every_fact_known_nothing_is_left_out(page: Page) -> None:
    facts = {name: f"<{name}>" for name in FACTS}
    assert len(page.suggestions(facts)) == len(page.check_first)
    assert not re.search(r"[{}]", " ".join((page.operator_sentence(facts), *page.suggestions(facts))))


@each_page
def test_only_commands_that_exist_are_mentioned(page: Page) -> None:
    for text in _all_text(page):
        for code in _CODE.findall(text):
            if re.match(r"(netra|sudo|docker|kubectl|systemctl|date|ulimit|ping|nc|telnet|nslookup|host|lsof)\b", code):
                assert code.startswith(_COMMANDS), f"{page.code}: {code}"
            elif " -" in code and not code.startswith("Authorization"):
                assert code.split()[0] in _COMMANDS or code.startswith(_COMMANDS[-1]), f"{page.code}: {code}"


@each_page
def test_only_variables_that_are_read_are_mentioned(page: Page) -> None:
    for text in _all_text(page):
        unread = set(_VARIABLE.findall(text)) - known_names()
        assert not unread, f"src/netra/pages/{page.code}.md names {unread}, which no setting reads: {text}"


@each_page
def test_no_fact_that_a_stranger_sent_stands_in_a_command_to_be_copied(page: Page) -> None:
    for line in page.check_first:
        for code in _CODE.findall(line):
            assert not any("{" + fact + "}" in code for fact in _FROM_STRANGERS), line


@each_page
def test_the_operator_is_told_in_one_sentence(page: Page) -> None:
    for sentence in page.operator:
        assert not re.search(r"\. [A-Z{]", sentence), sentence


@each_page
def test_what_to_watch_names_an_event_that_is_logged_or_the_code_itself(page: Page) -> None:
    for line in page.watch:
        quoted = _CODE.findall(line)
        assert quoted or "this code" in line, line
        for code in quoted:
            if code[0].isupper():
                assert code in _EVENTS, line
            if code.startswith("code="):
                assert code == f"code={page.code}", line


@each_page
def test_what_was_seen_in_real_life_is_told_in_one_or_two_sentences(page: Page) -> None:
    assert 1 <= len(re.findall(r"[.](?= |$)", page.seen)) <= 2
    assert not re.search(r"\d{2}:\d{2}|\b20\d\d\b|%", page.seen)


@pytest.mark.parametrize("code", _UNREACHED)
def test_the_three_suggestions_of_old_stand_on_every_page_of_an_auth_service_out_of_reach(code: str) -> None:
    assert set(_THE_REPORTS_THREE) <= set(_BOOK[code].suggestions({}))


@pytest.mark.parametrize("code", ["service_credentials_rejected", "service_credentials_missing"])
def test_refused_service_credentials_always_name_the_two_variables(code: str) -> None:
    assert "Verify SERVICE_ID and SERVICE_SECRET are set" in _BOOK[code].suggestions({})


def test_a_name_that_does_not_resolve_is_first_of_all_a_typo() -> None:
    first = _BOOK["dns_error"].suggestions({"host": "auht.example"})[0]
    assert first == "The host name in AUTH_SERVICE_URL (auht.example) does not resolve: check it for a typo"


def test_an_unknown_issuer_is_named_first_of_all_with_the_variable_that_cures_it() -> None:
    page = _BOOK["tls_certificate_error"]
    known = {"host": "auth.internal", "port": "443"}
    first = page.suggestions({**known, "issuer": "Internal CA (Shop Ltd)"})[0]
    assert first.startswith("The certificate names Internal CA (Shop Ltd) as its issuer")
    assert "AUTH_SERVICE_CA_FILE" in first
    assert "AUTH_SERVICE_CA_FILE" in page.suggestions(known)[0], "also while nobody has asked for the issuer's name"


def test_a_handshake_that_fails_names_the_two_files_of_a_client_certificate_first() -> None:
    first = _BOOK["tls_protocol_error"].suggestions({"host": "auth.internal", "port": "443"})[0]
    assert "AUTH_SERVICE_CLIENT_CERT_FILE and AUTH_SERVICE_CLIENT_KEY_FILE" in first


def test_a_missing_route_is_first_of_all_the_path_of_the_address() -> None:
    first = _BOOK["endpoint_not_found"].suggestions({"method": "POST", "path": "/typo/login", "url": "http://a"})[0]
    assert first == "Check the path part of AUTH_SERVICE_URL: the auth service has no POST /typo/login"


def test_an_answer_that_lacks_something_leads_first_of_all_to_its_members() -> None:
    """A row did read such an answer: nobody is sent looking for one that reads its status."""
    facts = {"status": "200", "lacking": "user_id", "json_keys": "access_token, user"}
    told = _BOOK["invalid_response"].suggestions(facts)
    assert "access_token, user" in told[0]
    assert not [line for line in told if "No row" in line]
