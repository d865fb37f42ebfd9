"""Whatever stands in a variable or file, no finding, exception, report or representation repeats a secret."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from netra.core.findings import Finding
from netra.core.secret import Secret
from netra.doctor.offline import examine
from netra.doctor.report.documents import as_json
from netra.doctor.report.text import offline_lines
from netra.settings.field import fingerprint
from netra.settings.read import SettingsProblem, known_names, load, read, read_authd
from tests.settings.good import GOOD, SECRET

NAMES = sorted(known_names() | {"OAUTH_SHOP_CLIENT_ID", "OAUTH_SHOP_CLIENT_SECRET", "OAUTH_SHOP_CLIENT_SECRET_FILE"})
SECRET_NAMES = ("SERVICE_SECRET", "SERVICE_SECRET_PREVIOUS", "NETRA_ADMIN_TOKEN", "NETRA_LOG_KEY")
MARK = "Zq7Xw9Kv"
"""In every value, and in no text of ours: where it shows, a value has leaked."""

WRAPPINGS = (
    "{}", '"{}"', "$({})", "${{{}}}", "`{}`", "<{}>", "{} ", " {}\n", "{}\x00", "\ud800{}", "{{{{ {} }}}}", "{},*",
    "{}/0", "https://{}", "https://a:{}@b.test", "https://b.test/?k={}", "/{}", "/usr/{}", "projects/x/secrets/{}",
    "{}=x", "Bearer {}",
)  # fmt: skip
wrappings = st.sampled_from(WRAPPINGS)
texts = st.builds(
    lambda before, after, wrapping: wrapping.format(f"{before}{MARK}{after}"),
    st.text(max_size=40),
    st.text(max_size=40),
    wrappings,
)
environments = st.dictionaries(st.sampled_from(NAMES), texts, max_size=6)


def _said(findings: tuple[Finding, ...]) -> str:
    return "\n".join("\n".join(one) for one in findings)


@given(environments)
def test_no_finding_repeats_a_value(environ: dict[str, str]) -> None:
    loaded = read({**GOOD, **environ})
    # A path that begins in a directory of this machine is shown: people must see where it was looked.
    paths = [value.strip() for name, value in environ.items() if name.endswith("_FILE")]
    said = _said(loaded.findings) + _said(read_authd(environ).findings)
    for path in paths:
        if path.startswith("/usr/"):
            said = said.replace(path, "")
    assert MARK not in said


@given(st.dictionaries(st.sampled_from([*SECRET_NAMES, "OAUTH_SHOP_CLIENT_SECRET"]), texts, max_size=5))
def test_no_surface_repeats_a_secret(environ: dict[str, str]) -> None:
    spoilt = {**GOOD, **environ}
    report = examine(spoilt)
    printed = as_json(report) + "\n".join(line.text for line in offline_lines(report)) + repr(read(spoilt))
    try:
        printed += repr(load(spoilt))
    except SettingsProblem as problem:
        printed += repr(problem) + str(problem)
    assert MARK not in printed


@given(environments)
def test_no_text_makes_reading_crash(environ: dict[str, str]) -> None:
    loaded = read(environ)
    assert (loaded.settings is None) == any(one.severity == "error" for one in loaded.findings)
    json.loads(as_json(examine(environ)))


@given(texts)
def test_a_value_that_was_refused_is_not_among_the_effective_settings(text: str) -> None:
    loaded = read({**GOOD, "AUTH_SERVICE_URL": text})
    if loaded.settings is None:
        shown = {one.variable: one.value for one in loaded.effective}
        assert shown["AUTH_SERVICE_URL"] == "not accepted"


def test_a_secret_that_was_copied_into_a_harmless_setting_is_hidden_there_too() -> None:
    environ = {**GOOD, "NETRA_PREFIX": f"/{SECRET}", "NETRA_CORS_ORIGINS": "https://app.shop.test"}
    shown = {one.variable: one.value for one in read(environ).effective}
    assert SECRET not in repr(shown)
    assert shown["AUTH_SERVICE_URL"] == "https://auth.shop.test"
    assert shown["NETRA_CORS_ORIGINS"] == ["https://app.shop.test"]


def test_the_content_of_a_file_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for content in (SECRET, f'"{SECRET}"', f"{SECRET}\n{SECRET}", f"$({SECRET})", SECRET[:20]):
        path.write_text(content, encoding="utf-8")
        loaded = read({"AUTH_SERVICE_URL": "https://auth.shop.test", "SERVICE_SECRET_FILE": str(path)})
        assert SECRET[:20] not in repr(loaded)


def test_a_fingerprint_is_eight_hex_digits_of_a_long_secret() -> None:
    # printf 'netra-fp:0123456789abcdef0123456789abcdef' | sha256sum
    assert fingerprint(Secret("0123456789abcdef" * 2)) == "d85b11d2"


def test_a_short_secret_has_no_fingerprint() -> None:
    assert fingerprint(Secret("x" * 31)) is None
