"""Read the pages: one strict Markdown file a code, all problems reported at once with file and line.

It must never let a malformed page through: what it returns can be shown as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from netra.pages.page import FACT, FACTS, Page

_PAGE_FILE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.md")
_SECTIONS: Final = ("Check first", "What still works", "Seen in real life", "Watch")
_PROSE_SECTION: Final = "Seen in real life"
_SECTION_LINES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"Check first": (3, 5), "What still works": (1, 4), "Seen in real life": (1, 3), "Watch": (1, 4)}
)
"""Fewest and most lines of each section."""
_OPERATOR_LINES: Final = 3


class BookProblem(Exception):
    """The pages cannot be used; `problems` holds every `file:line: what` there is."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_book(folder: Traversable | None = None) -> Mapping[str, Page]:
    """Every page by its code, from the package itself or from another folder.

    Raises: BookProblem, when any page is malformed; it lists everything wrong in all of them.
    """
    shelf = folder if folder is not None else resources.files("netra.pages")
    entries = sorted((entry for entry in shelf.iterdir() if entry.name.endswith(".md")), key=lambda entry: entry.name)
    pages: dict[str, Page] = {}
    problems: list[str] = []
    for entry in entries:
        draft = _Draft(f"{shelf.name}/{entry.name}")
        _read_page(draft, entry)
        problems += draft.problems
        pages[entry.name.removesuffix(".md")] = draft.page(entry.name.removesuffix(".md"))
    if not entries:
        problems.append(f"{shelf.name}:1: no pages here")
    if problems:
        raise BookProblem(tuple(problems))
    return MappingProxyType(pages)


@dataclass(slots=True)
class _Draft:
    """A page while it is being read, and what was wrong with it."""

    file: str
    title: str = ""
    public: str = ""
    operator: list[str] = field(default_factory=list)
    sections: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def problem(self, line_no: int, what: str) -> None:
        self.problems.append(f"{self.file}:{line_no}: {what}")

    def page(self, code: str) -> Page:
        """The finished page; of use only while there are no problems."""
        lines = {name: tuple(self.sections.get(name, ())) for name in _SECTIONS}
        return Page(
            code=code,
            title=self.title,
            public=self.public,
            operator=tuple(self.operator),
            check_first=lines["Check first"],
            still_works=lines["What still works"],
            seen=" ".join(lines[_PROSE_SECTION]),
            watch=lines["Watch"],
        )


def _read_page(draft: _Draft, entry: Traversable) -> None:
    if not _PAGE_FILE.fullmatch(entry.name):
        draft.problem(1, "the file name is not a code in lower case with underscores")
    try:
        lines = entry.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        draft.problem(error.object[: error.start].count(b"\n") + 1, "not UTF-8")
        return
    if not lines[0]:
        draft.problem(1, "no title")
    for line_no, line in enumerate(lines, start=1):
        if line:
            _read_line(draft, line_no, line)
    _require_everything(draft, len(lines) - (not lines[-1]))


def _read_line(draft: _Draft, line_no: int, line: str) -> None:
    """Put one line where it belongs, or say why it belongs nowhere."""
    if line != line.strip() or not line.isprintable():
        draft.problem(line_no, "white space around the line, or a character that does not print")
    elif line_no == 1 or line.startswith("# "):
        _read_title(draft, line_no, line)
    elif line.startswith("## "):
        _open_section(draft, line_no, line.removeprefix("## "))
    elif draft.sections:
        _read_section_line(draft, line_no, line)
    elif line.startswith("Public: "):
        _read_public(draft, line_no, line.removeprefix("Public: "))
    elif line.startswith("Operator: "):
        _read_operator(draft, line_no, line.removeprefix("Operator: "))
    else:
        draft.problem(line_no, "expected `Public: `, `Operator: ` or the first section")


def _read_title(draft: _Draft, line_no: int, line: str) -> None:
    title = line.removeprefix("# ")
    if line_no != 1 or title == line:
        draft.problem(line_no, "the title, `# ` and a short noun phrase, is line 1 and only line 1")
    elif title.endswith(".") or _has_markup(title):
        draft.problem(line_no, "a title has no full stop, brace or backtick")
    else:
        draft.title = title


def _read_public(draft: _Draft, line_no: int, sentence: str) -> None:
    if draft.public:
        draft.problem(line_no, "a second public sentence")
    elif not sentence.endswith(".") or _has_markup(sentence):
        draft.problem(line_no, "the public sentence ends in a full stop and has no brace or backtick")
    draft.public = sentence


def _read_operator(draft: _Draft, line_no: int, sentence: str) -> None:
    _check_text(draft, line_no, sentence, facts_allowed=True)
    if not sentence.endswith("."):
        draft.problem(line_no, "an operator sentence ends in a full stop")
    if draft.operator and not FACT.search(draft.operator[-1]):
        draft.problem(line_no, "never used: the operator sentence before it needs no fact")
    draft.operator.append(sentence)
    if len(draft.operator) == _OPERATOR_LINES + 1:
        draft.problem(line_no, f"more than {_OPERATOR_LINES} operator sentences")


def _open_section(draft: _Draft, line_no: int, name: str) -> None:
    expected = next((section for section in _SECTIONS if section not in draft.sections), None)
    if name != expected:
        wanted = f"expected `## {expected}`" if expected else "expected no further section"
        draft.problem(line_no, f"{wanted}, found `## {name}`")
    if name in _SECTIONS:
        draft.sections.setdefault(name, [])


def _read_section_line(draft: _Draft, line_no: int, line: str) -> None:
    section = next(reversed(draft.sections))
    is_item = line.startswith("- ")
    if is_item == (section == _PROSE_SECTION):
        form = "sentences, no list" if is_item else "lines that begin with `- `"
        draft.problem(line_no, f"`## {section}` holds {form}")
    text = line.removeprefix("- ")
    _check_text(draft, line_no, text, facts_allowed=section == "Check first")
    draft.sections[section].append(text)
    if len(draft.sections[section]) == _SECTION_LINES[section][1] + 1:
        draft.problem(line_no, f"`## {section}` has more than {_SECTION_LINES[section][1]} lines")


def _check_text(draft: _Draft, line_no: int, text: str, *, facts_allowed: bool) -> None:
    names = FACT.findall(text)
    unknown = sorted(set(names) - FACTS.keys())
    if unknown:
        draft.problem(line_no, "no such fact: " + ", ".join(unknown))
    if names and not facts_allowed:
        draft.problem(line_no, "facts in braces belong to `Operator:` and `## Check first` only")
    if re.search(r"[{}]", FACT.sub("", text)):
        draft.problem(line_no, "a brace that encloses no fact")
    if text.count("`") % 2:
        draft.problem(line_no, "a backtick without its partner")


def _has_markup(text: str) -> bool:
    return re.search(r"[{}`]", text) is not None


def _require_everything(draft: _Draft, last_line_no: int) -> None:
    """Name at the end of the file what never came."""
    line_no = max(1, last_line_no)
    if not draft.public:
        draft.problem(line_no, "no `Public: ` sentence")
    if not draft.operator:
        draft.problem(line_no, "no `Operator: ` sentence")
    elif FACT.search(draft.operator[-1]):
        draft.problem(line_no, "no `Operator: ` sentence that needs no fact")
    for section in _SECTIONS:
        least = _SECTION_LINES[section][0]
        if len(draft.sections.get(section, ())) < least:
            draft.problem(line_no, f"`## {section}` is missing or has fewer than {least} lines")
