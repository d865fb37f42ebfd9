"""A service's id was literally a command for a shell that nobody had run, and a password still said what to put there.

The first cure was worse than the fault: it had the command executed. It must never be executed, expanded or used what
was to become a value: it is refused.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.incidents.operators import doctor, errors, refused_start, told

COMMANDS: Final = ("$(touch {mark})", "`touch {mark}`", "netra-$(touch {mark})", "${{NOWHERE:-$(touch {mark})}}")
VARIABLES: Final = (
    "SERVICE_ID", "SERVICE_SECRET", "SERVICE_SECRET_PREVIOUS", "AUTH_SERVICE_URL", "NETRA_ADMIN_TOKEN", "NETRA_LOG_KEY",
    "ENVIRONMENT", "NETRA_PORT", "NETRA_PREFIX",
)  # fmt: skip
NOT_EXECUTED: Final = "Set the result of the command or variable; nothing here executes or expands it."
LEFT_TO_DO: Final = (
    "REPLACE_WITH_SERVICE_SECRET",
    "REPLACE_WITH_YOUR_SECRET_VALUE_1234567890",
    "REPLACE-WITH-THE-ONE-FROM-THE-MANAGER-000",
    "<your-service-secret>",
    "changeme",
    "{{ service_secret }}",
    "%SERVICE_SECRET%",
)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that only a shell would make."""
    return tmp_path / "executed"


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_command_is_refused_in_any_setting_and_not_executed(mark: Path, variable: str) -> None:
    for command in COMMANDS:
        found = errors(told(**{variable: command.format(mark=mark)}))
        assert [(each.subject, each.code) for each in found if each.subject == variable] == [(variable, "shell_text")]
        assert str(mark) not in "".join(each.line() for each in found)
    assert not mark.exists()


def test_a_command_in_a_file_is_refused_and_not_executed(mark: Path, tmp_path: Path) -> None:
    for number, command in enumerate(COMMANDS):
        file = tmp_path / f"secret-{number}"
        file.write_text(command.format(mark=mark) + "\n")
        (found,) = errors(told("SERVICE_SECRET", SERVICE_SECRET_FILE=str(file)))
        assert (found.subject, found.code) == ("SERVICE_SECRET", "shell_text")
        assert str(file) in found.what
    assert not mark.exists()


def test_a_command_in_place_of_a_path_is_a_file_that_is_not_there(mark: Path) -> None:
    for command in (*COMMANDS, "| touch {mark}", "; touch {mark}"):
        (found,) = errors(told("SERVICE_SECRET", SERVICE_SECRET_FILE=command.format(mark=mark)))
        assert (found.subject, found.code) == ("SERVICE_SECRET_FILE", "unreadable")
    assert not mark.exists()


def test_neither_the_server_nor_the_check_executes_anything_and_the_last_lines_name_all_of_it(
    mark: Path, tmp_path: Path
) -> None:
    commands = {"SERVICE_ID": f"$(touch {mark})", "SERVICE_SECRET": f"`touch {mark}`"}
    environ = told(**commands, NETRA_ADMIN_TOKEN=LEFT_TO_DO[0])
    lines = refused_start(environ, tmp_path)
    assert lines == [
        *(f"error: {name}: is shell text that nobody has expanded. {NOT_EXECUTED}" for name in commands),
        "error: NETRA_ADMIN_TOKEN: is a placeholder that nobody has filled in. Set the real value.",
    ]
    assert doctor(environ, tmp_path).error_lines == lines
    assert list(tmp_path.iterdir()) == []


def test_an_id_with_half_a_command_in_it_is_refused_as_well() -> None:
    for service_id in ("$(whoami)", "$(whoami", "netra-$HOSTNAME", "$USER", "netra-`whoami", "${HOSTNAME}"):
        (found,) = errors(told(SERVICE_ID=service_id))
        assert (found.subject, found.code) == ("SERVICE_ID", "shell_text"), service_id


@pytest.mark.parametrize(
    "variable", ["SERVICE_SECRET", "NETRA_ADMIN_TOKEN", "NETRA_LOG_KEY", "SERVICE_SECRET_PREVIOUS"]
)
def test_what_somebody_was_to_fill_in_is_refused(variable: str) -> None:
    for text in LEFT_TO_DO:
        (found,) = errors(told(**{variable: text}))
        assert (found.subject, found.code) == (variable, "placeholder"), text
        assert text not in found.line()
