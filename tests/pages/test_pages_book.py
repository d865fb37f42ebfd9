"""The reader of the pages: what it makes of a good page, and how it names everything wrong with a bad one."""

from pathlib import Path

import pytest

from netra.pages import BookProblem, Page, read_book

_GOOD = """\
# Door shut

Public: The door is shut at the moment; please try again shortly.

Operator: {host} port {port} keeps its door shut.
Operator: The auth service keeps its door shut.

## Check first
- Knock at {host}: `curl -v {url}`
- Check AUTH_SERVICE_URL configuration
- Ask `netra doctor --offline`
## What still works
- The windows.
## Seen in real life
Somebody shut the door.
It stayed shut.
## Watch
- The event `Login failed` with `code=door_shut`.
"""
_KNOWN = {"host": "auth.example", "port": "8081", "url": "http://auth.example:8081"}


def _page(folder: Path, text: str = _GOOD) -> Page:
    (folder / "door_shut.md").write_text(text, encoding="utf-8")
    return read_book(folder)["door_shut"]


def _problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(BookProblem) as caught:
        _page(folder, text)
    return caught.value.problems


def test_a_page_is_read_with_all_its_parts(tmp_path: Path) -> None:
    assert _page(tmp_path) == Page(
        code="door_shut",
        title="Door shut",
        public="The door is shut at the moment; please try again shortly.",
        operator=("{host} port {port} keeps its door shut.", "The auth service keeps its door shut."),
        check_first=(
            "Knock at {host}: `curl -v {url}`",
            "Check AUTH_SERVICE_URL configuration",
            "Ask `netra doctor --offline`",
        ),
        still_works=("The windows.",),
        seen="Somebody shut the door. It stayed shut.",
        watch=("The event `Login failed` with `code=door_shut`.",),
    )


def test_the_operator_hears_the_first_sentence_whose_facts_are_all_known(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert page.operator_sentence(_KNOWN) == "auth.example port 8081 keeps its door shut."
    assert page.operator_sentence({"host": "auth.example"}) == "The auth service keeps its door shut."
    assert page.operator_sentence({}) == "The auth service keeps its door shut."


def test_an_empty_fact_is_an_unknown_fact(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert page.operator_sentence({"host": "auth.example", "port": ""}) == "The auth service keeps its door shut."


def test_a_suggestion_that_needs_an_unknown_fact_is_left_out(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert page.suggestions({}) == ("Check AUTH_SERVICE_URL configuration", "Ask `netra doctor --offline`")
    assert page.suggestions(_KNOWN)[0] == "Knock at auth.example: `curl -v http://auth.example:8081`"
    assert page.suggestions({"host": "auth.example"}) == page.suggestions({})


def test_a_fact_is_plain_text_and_never_expanded_again(tmp_path: Path) -> None:
    page = _page(tmp_path)
    facts = {"host": "{port}", "port": r"\g<0>{host}"}
    assert page.operator_sentence(facts) == r"{port} port \g<0>{host} keeps its door shut."


def test_a_fact_cannot_bring_control_characters_or_endless_text_into_a_log_or_terminal(tmp_path: Path) -> None:
    page = _page(tmp_path)
    told = page.operator_sentence({"host": "a\x1b[2J\r\n\u202e\ud800b", "port": "9" * 10_000})
    assert told.startswith("a?[2J????b port 999")
    assert told.isprintable()
    assert len(told) < 400


def test_the_public_json_of_a_page_holds_nothing_for_operators(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert page.as_json(operator=False) == {"code": "door_shut", "title": "Door shut", "public": page.public}


def test_the_operators_json_of_a_page_holds_every_section(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert page.as_json(operator=True) == {
        "code": "door_shut",
        "title": "Door shut",
        "public": page.public,
        "operator": "The auth service keeps its door shut.",
        "check_first": list(page.check_first),
        "still_works": ["The windows."],
        "seen": page.seen,
        "watch": list(page.watch),
    }


def test_a_book_cannot_be_changed_by_a_reader(tmp_path: Path) -> None:
    (tmp_path / "door_shut.md").write_text(_GOOD, encoding="utf-8")
    book = read_book(tmp_path)
    with pytest.raises(TypeError):
        book["door_shut"] = book["door_shut"]  # type: ignore[index] # that it cannot be done is what is tested


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("# Door shut", "Door shut", ":1: the title, `# ` and a short noun phrase, is line 1 and only line 1"),
        ("# Door shut", "", ":1: no title"),
        ("# Door shut", "# Door shut.", ":1: a title has no full stop, brace or backtick"),
        ("# Door shut", "# Door {host}", ":1: a title has no full stop, brace or backtick"),
        (
            "## Watch\n",
            "# Another\n## Watch\n",
            ":17: the title, `# ` and a short noun phrase, is line 1 and only line 1",
        ),
        (
            "Public: The door",
            "Public: {host} The door",
            ":3: the public sentence ends in a full stop and has no brace or",
        ),
        ("shortly.", "shortly", ":3: the public sentence ends in a full stop and has no brace or backtick"),
        ("shortly.\n", "shortly.\nPublic: Again.\n", ":4: a second public sentence"),
        ("Public: The door", "The door", ":3: expected `Public: `, `Operator: ` or the first section"),
        ("Public: The", "Publik: The", ":18: no `Public: ` sentence"),
        ("{host} port {port} keeps", "{hosd} port {port} keeps", ":5: no such fact: hosd"),
        ("{host} port {port} keeps", "The port keeps", ":6: never used: the operator sentence before it needs no fact"),
        ("Operator: The auth service", "Operator: {issuer}", ":18: no `Operator: ` sentence that needs no fact"),
        ("service keeps its door shut.", "service keeps its door shut", ":6: an operator sentence ends in a full stop"),
        ("port {port} keeps", "port {port keeps", ":5: a brace that encloses no fact"),
        ("`curl -v {url}`", "`curl -v {url}", ":9: a backtick without its partner"),
        ("`curl -v {url}`", "`curl -v {URL}`", ":9: a brace that encloses no fact"),
        ("- Ask `netra doctor --offline`\n", "", ":17: `## Check first` is missing or has fewer than 3 lines"),
        ("- Ask", "- One\n- Two\n- Three\n- Ask", ":14: `## Check first` has more than 5 lines"),
        ("- Ask", "Ask", ":11: `## Check first` holds lines that begin with `- `"),
        ("Somebody", "- Somebody", ":15: `## Seen in real life` holds sentences, no list"),
        (
            "- The windows.",
            "- The windows of {host}.",
            ":13: facts in braces belong to `Operator:` and `## Check first`",
        ),
        ("## Watch", "## Watch out", ":17: expected `## Watch`, found `## Watch out`"),
        (
            "## What still works\n- The windows.\n",
            "",
            ":12: expected `## What still works`, found `## Seen in real life`",
        ),
        ("## Watch\n", "## Watch\n## Watch\n", ":18: expected no further section, found `## Watch`"),
        ("- The windows.", "- The windows. ", ":13: white space around the line, or a character that does not print"),
        ("- The windows.", "- The\twindows.", ":13: white space around the line, or a character that does not print"),
    ],
)
def test_a_malformed_page_is_reported_with_file_and_line(tmp_path: Path, good: str, bad: str, problem: str) -> None:
    assert good in _GOOD
    problems = _problems(tmp_path, _GOOD.replace(good, bad, 1))
    expected = f"{tmp_path.name}/door_shut.md{problem}"
    assert any(found.startswith(expected) for found in problems), problems


def test_a_page_of_four_operator_sentences_is_too_long(tmp_path: Path) -> None:
    text = _GOOD.replace("Operator: {host}", "Operator: {status}.\nOperator: {path}.\nOperator: {host}", 1)
    assert f"{tmp_path.name}/door_shut.md:8: more than 3 operator sentences" in _problems(tmp_path, text)


def test_everything_wrong_in_all_pages_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "Not-A-Code.md").write_text(_GOOD, encoding="utf-8")
    (tmp_path / "latin.md").write_bytes(_GOOD.encode().replace(b"shortly", b"sh\xe9rtly"))
    problems = _problems(tmp_path, _GOOD.replace("{host} port", "{nobody} port").replace("{url}", "{nothing}"))
    assert problems == (
        f"{tmp_path.name}/Not-A-Code.md:1: the file name is not a code in lower case with underscores",
        f"{tmp_path.name}/door_shut.md:5: no such fact: nobody",
        f"{tmp_path.name}/door_shut.md:9: no such fact: nothing",
        f"{tmp_path.name}/latin.md:3: not UTF-8",
    )


def test_the_message_of_a_problem_has_one_line_for_each(tmp_path: Path) -> None:
    with pytest.raises(BookProblem) as caught:
        _page(tmp_path, "")
    assert str(caught.value).splitlines() == list(caught.value.problems)
    assert len(caught.value.problems) > 5


def test_a_folder_without_pages_is_no_book(tmp_path: Path) -> None:
    with pytest.raises(BookProblem, match="no pages here"):
        read_book(tmp_path)
