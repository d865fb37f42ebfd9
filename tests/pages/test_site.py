"""The pages as a site: every code has its file, every link leads somewhere, nothing of anybody else is touched."""

import html
import os
import re
from pathlib import Path

import pytest

from netra.core.verdict.causes import PUBLIC_ROWS, TABLE
from netra.observe.metrics.alerts import shown_by
from netra.observe.metrics.definitions import METRICS
from netra.pages import read_book
from netra.pages.explained import chapters, explained
from netra.pages.site import CannotWrite, write_site

BOOK = read_book()
ROWS = {**TABLE, **PUBLIC_ROWS}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder" / "of pages"
    assert write_site(folder, BOOK) == len(ROWS) + 1
    return folder


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_code_has_a_page_at_the_address_that_errors_name(site: Path) -> None:
    assert files_of(site) == {"index.html"} | {f"problems/{code}/index.html" for code in ROWS}
    for code, cause in ROWS.items():
        page = html.unescape((site / f"problems/{code}/index.html").read_text("utf-8"))
        assert f"<h1>{BOOK[code].title}</h1>" in page
        assert f"HTTP {cause.status}" in page


def test_every_link_leads_to_a_file_from_wherever_the_folder_stands(site: Path) -> None:
    links_count = 0
    for name in files_of(site):
        page = site / name
        for target in re.findall(r'(?:href|src)="([^"]*)"', page.read_text("utf-8")):
            links_count += 1
            assert not re.match(r"/|[a-z]+:", target), f"{name} links to {target}"
            assert (page.parent / target).resolve().is_file(), f"{name} links to {target}"
    assert links_count == 2 * len(ROWS)


def test_a_page_needs_nothing_but_itself_and_forbids_the_rest(site: Path) -> None:
    for name in files_of(site):
        page = (site / name).read_text("utf-8")
        assert "<script" not in page
        assert "@import" not in page
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
        assert policy is not None
        assert "default-src 'none'" in html.unescape(policy[1])
        assert "frame-ancestors" not in policy[1]  # browsers ignore it there, and complain


def test_the_index_names_every_code_once_with_its_status(site: Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    rows = re.findall(r"<code>(\w+)</code></a></td><td>(\d+)</td>", index)
    assert sorted(rows) == sorted((code, str(cause.status)) for code, cause in ROWS.items())


def test_a_site_of_ours_is_written_again(site: Path) -> None:
    page = site / "problems/dns_error/index.html"
    page.write_text("old", "utf-8")
    write_site(site, BOOK)
    assert "<h1>" in page.read_text("utf-8")


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>Mine</p>", "utf-8")
    with pytest.raises(CannotWrite, match="not ours"):
        write_site(tmp_path, BOOK)
    assert files_of(tmp_path) == {"index.html"}
    assert (tmp_path / "index.html").read_text("utf-8") == "<p>Mine</p>"


def test_what_is_no_folder_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(CannotWrite, match="not a folder"):
        write_site(tmp_path / "file", BOOK)
    with pytest.raises(CannotWrite, match=re.escape(os.strerror(20))):
        write_site(tmp_path / "file" / "below", BOOK)


@pytest.mark.parametrize("code", sorted(ROWS))
def test_every_code_is_explained_in_full(code: str) -> None:
    told = explained(code, BOOK)
    assert told is not None
    members = told.as_json()
    empty = [name for name, value in members.items() if value in (None, "", [], {})]
    assert empty == []
    assert set(members["shown_by"]) == {"events", "metrics", "alerts"}
    assert all(members["shown_by"].values())
    for sentence in ("affected", "again", "meaning", "public", "to_do"):
        assert members[sentence].endswith("."), sentence
    if members["verdict"] == "rejected":
        assert members["transient"] is False
        assert "Never sent again" in members["again"]


def test_what_may_have_arrived_is_never_said_to_be_sent_again_without_condition() -> None:
    for code, cause in TABLE.items():
        told = explained(code, BOOK)
        assert told is not None
        if cause.again and cause.reached != "no":
            assert "never a login, unless" in told.again, code


def test_the_chapters_hold_every_code_once() -> None:
    codes = [each.code for _, chapter in chapters(BOOK) for each in chapter]
    assert sorted(codes) == sorted(ROWS)
    assert explained("no_such_code", BOOK) is None


@pytest.mark.parametrize("code", sorted(TABLE))
def test_a_code_names_the_alerts_that_look_at_it(code: str) -> None:
    told = explained(code, BOOK)
    assert told is not None
    assert tuple(each for each in told.alerts if each.startswith("Netra")) == shown_by(code)
    assert told.alerts


@pytest.mark.parametrize("code", sorted(ROWS))
def test_a_code_is_shown_by_metrics_that_there_are_with_labels_that_they_have(code: str) -> None:
    told = explained(code, BOOK)
    assert told is not None
    there_are = {metric.scraped: metric.labels for metric in METRICS}
    for line in told.metrics:
        for name, labels in re.findall(r"`(netra_\w+)(?:\{([^}]*)\})?`", line):
            assert set(re.findall(r"(\w+)=", labels)) <= set(there_are[name]), line
