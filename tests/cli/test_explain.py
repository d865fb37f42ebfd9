"""`netra explain`: every code, for people, pipes, programs and web hosts; a typing error is led to what was meant."""

import json
from pathlib import Path

import pytest

from netra.core.verdict.causes import PUBLIC_ROWS, TABLE
from netra.pages import read_book
from tests.cli.support import Command

BOOK = read_book()
CODES = sorted({**TABLE, **PUBLIC_ROWS})


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(netra: Command, code: str) -> None:
    ended = netra("explain", code)
    assert (ended.code, ended.err) == (0, "")
    page = BOOK[code]
    lines = (page.operator_sentence({}), page.public, *page.check_first, *page.still_works, *page.watch, page.seen)
    for line in (page.title, *lines):
        assert line in ended.out
    headings = [line for line in ended.out.splitlines() if line and not line.startswith(" ")][2:]
    assert headings == [
        "What it means", "Who is affected", "What users read", "What they should do", "Who can mend it",
        "Sent again?", "Check first", "What still works", "What shows it: events",
        "What shows it: metrics", "What shows it: alerts", "Seen in real life",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pasted",
    [
        "DNS_ERROR",
        "code=dns_error",
        '"dns_error"',
        "/problems/dns_error",
        "https://a.test/problems/dns_error/",
        "dns-error",
    ],
)
def test_a_code_is_found_however_it_was_copied(netra: Command, pasted: str) -> None:
    assert netra("explain", pasted).out == netra("explain", "dns_error").out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dns_eror", "dns_error"),
        ("conection_refused", "connection_refused"),
        ("invalid_credential", "invalid_credentials"),
    ],
)
def test_a_typing_error_is_led_to_what_was_meant(netra: Command, typed: str, meant: str) -> None:
    ended = netra("explain", typed)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: no code '{typed}'. Did you mean {meant}")


@pytest.mark.parametrize("typed", ["", "zzzzzz", "\x1b[2J", "x" * 10_000])
def test_what_resembles_no_code_is_told_in_one_harmless_line(netra: Command, typed: str) -> None:
    ended = netra("explain", typed)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert ended.err.rstrip("\n").isprintable()
    assert len(ended.err) < 300


def test_without_a_code_all_are_listed(netra: Command) -> None:
    rows = [line.split("\t") for line in netra("explain").out.splitlines()]
    assert sorted(row[0] for row in rows) == CODES
    assert ["connection_refused", "503", "Connection refused"] in rows


def test_all_pages_one_under_the_other(netra: Command) -> None:
    ended = netra("explain", "--all")
    assert ended.code == 0
    assert ended.out.count("\nCheck first\n") == len(CODES)


@pytest.mark.parametrize("arguments", [("--all",), ()])
def test_programs_get_every_code(netra: Command, arguments: tuple[str, ...]) -> None:
    document = json.loads(netra("explain", *arguments, "--format", "json").out)
    assert document["version"] == 1
    assert sorted(each["code"] for each in document["codes"]) == CODES
    one = json.loads(netra("explain", "dns_error", "--format", "json").out)
    assert one["codes"] == [each for each in document["codes"] if each["code"] == "dns_error"]
    assert one["codes"][0]["public_code"] == "authentication_unavailable"


def test_the_site_is_written_where_it_was_asked_for(netra: Command, tmp_path: Path) -> None:
    ended = netra("explain", "--site", "pages")
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "pages/index.html").is_file()
    assert (tmp_path / "pages/problems/dns_error/index.html").is_file()
    assert netra("explain", "--site", "pages").code == 0


def test_a_folder_that_cannot_be_used_ends_in_one_line(netra: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    for folder, words in (("mine", "not ours"), ("file", "not a folder"), ("file/below", "cannot write")):
        ended = netra("explain", "--site", folder)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: ")
        assert words in ended.err
    assert netra("explain", "--site", " ").code == 2


@pytest.mark.parametrize("both", [("dns_error", "--all"), ("--all", "--site", "x"), ("dns_error", "--site", "x")])
def test_two_wishes_at_once_are_wrong_usage(netra: Command, both: tuple[str, ...]) -> None:
    ended = netra("explain", *both)
    assert (ended.code, ended.out) == (2, "")
    assert "exclude each other" in ended.err
