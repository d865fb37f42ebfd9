"""What claims are worth: one claim is changed at a time, and the first check that fails says why."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.checks import Expected, check, refused, time_refusal
from netra.core.token.jwt import Header
from netra.core.token.profiles import PROFILES, RFC9068, Profile
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Identity, User
from netra.core.verdict.outcomes import Rejected
from tests.core.support import json_values, quick

NOW: Final = 1_800_000_000
HEADER: Final = Header("ES256", "k", "at+jwt")
CLAIMS: Final[Mapping[str, Any]] = {
    "iss": "https://issuer.example",
    "aud": "app",
    "sub": "u-1",
    "exp": NOW + 600,
    "iat": NOW,
    "nbf": NOW,
    "jti": "t-1",
    "sid": "s-1",
    "client_id": "web",
    "email": "ada@example.com",
    "name": "Ada",
}
IDENTITY: Final = Identity(User("u-1", "ada@example.com", "Ada"), NOW + 600, "jwt", "t-1", "s-1")
EXPECTED: Final = Expected(
    "https://issuer.example", frozenset({"app", "second"}), frozenset({"at+jwt", "application/at+jwt"}), RFC9068
)
TOKEN_CODES: Final = {code for code in TABLE if code.startswith("token_") and code != "token_missing"}


def found(
    expected: Expected = EXPECTED, header: Header = HEADER, wall_s: float = NOW, **changed: Any
) -> Identity | str:
    """What good claims with these changes come to; a claim that is `...` is left out."""
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}
    answer = check(header, claims, expected, wall_s)
    return answer.cause.code if isinstance(answer, Rejected) else answer


def having(claim: str, value: Any) -> Identity | str:
    """What good claims with another value for one of them come to."""
    changed: dict[str, Any] = {claim: value}
    return found(**changed)


def typed(typ: str | None, types: set[str], profile: Profile = RFC9068, **changed: Any) -> Identity | str:
    """What good claims of a type come to where these types are accepted."""
    return found(EXPECTED._replace(types=frozenset(types), profile=profile), HEADER._replace(typ=typ), **changed)


def test_good_claims_are_an_identity() -> None:
    assert found() == IDENTITY


def test_nothing_but_what_must_be_there_has_to_be_there() -> None:
    bare: dict[str, Any] = dict.fromkeys(("iat", "nbf", "jti", "sid", "client_id", "email", "name"), ...)
    assert found(**bare) == Identity(User("u-1", None, None), NOW + 600, "jwt")


@pytest.mark.parametrize(
    ("typ", "accepted"),
    [
        ("at+jwt", True),
        ("AT+JWT", True),
        ("application/at+jwt", True),
        ("Application/At+Jwt", True),
        ("JWT", False),
        ("", False),
        (None, False),
        ("at+jwt ", False),
        ("text/at+jwt", False),
        ("id+jwt", False),
    ],
)
def test_a_type_is_accepted_in_any_spelling_and_another_in_none(typ: str | None, accepted: bool) -> None:
    for types in ({"at+jwt"}, {"application/at+jwt"}, {"AT+JWT", "application/at+jwt"}):
        assert (typed(typ, types) == IDENTITY) is accepted
    if not accepted:
        assert typed(typ, {"at+jwt"}) == "token_wrong_type"


def test_a_token_without_a_type_is_accepted_only_where_a_setting_says_so() -> None:
    assert typed(None, {""}) == IDENTITY
    assert typed("at+jwt", {""}) == "token_wrong_type"
    assert typed("JWT", {"JWT", ""}) == IDENTITY
    assert typed(None, set()) == "token_wrong_type"


@pytest.mark.parametrize("mark", ["nonce", "at_hash", "c_hash", "s_hash", "events"])
def test_the_marks_of_another_purpose_count_unless_the_type_says_the_purpose(mark: str) -> None:
    for value in ("x", None):
        marked: dict[str, Any] = {mark: value}
        assert typed("JWT", {"JWT"}, **marked) == "token_wrong_type"
        assert typed(None, {""}, **marked) == "token_wrong_type"
        assert typed("at+jwt", {"at+jwt"}, **marked) == IDENTITY


@pytest.mark.parametrize(
    "issuer", [..., None, "", " ", "https://issuer.example/", "https://Issuer.example", "issuer.example", "https://"]
)
def test_another_issuer_is_refused_however_alike(issuer: Any) -> None:
    assert found(iss=issuer) == "token_wrong_issuer"


@pytest.mark.parametrize("issuer", [1, True, ["https://issuer.example"], {}, "x" * 1025])
def test_an_issuer_that_is_no_text_is_malformed(issuer: Any) -> None:
    assert found(iss=issuer) == "token_malformed"


def test_an_issuer_that_nobody_has_set_is_nobodys() -> None:
    assert found(EXPECTED._replace(issuer=""), iss="") == "token_wrong_issuer"
    assert found(EXPECTED._replace(issuer=" "), iss=" ") == "token_wrong_issuer"


@pytest.mark.parametrize("audience", ["app", "second", ["app"], ["other", "second"], ["app", "second"]])
def test_one_of_our_names_in_the_audience_suffices(audience: Any) -> None:
    assert found(aud=audience) == IDENTITY


@pytest.mark.parametrize("audience", [..., "", [], ["other"], "ap", "app ", "APP", "app second", ["app2", ""]])
def test_an_audience_that_does_not_name_us_is_refused(audience: Any) -> None:
    assert found(aud=audience) == "token_wrong_audience"


@pytest.mark.parametrize("audience", [None, 1, True, {"app": 1}, ["app", 1], [["app"]], [None]])
def test_an_audience_of_another_form_is_malformed(audience: Any) -> None:
    assert found(aud=audience) == "token_malformed"


def test_an_audience_that_nobody_has_set_is_nobodys() -> None:
    for names in (frozenset[str](), frozenset({""})):
        assert found(EXPECTED._replace(audience=names), aud="") == "token_wrong_audience"
        assert found(EXPECTED._replace(audience=names), aud=[""]) == "token_wrong_audience"


@pytest.mark.parametrize(
    "exp", [..., None, True, False, "1800000600", [NOW + 600], {}, -1, -0.5, 10**20, 1e20, 2**53 + 1, float("nan")]
)
def test_an_expiry_that_is_no_instant_is_malformed(exp: Any) -> None:
    assert found(exp=exp) == "token_malformed"
    assert found(exp=float("inf")) == "token_malformed"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize("value", [None, True, "1800000000", [NOW], -1, 10**20, float("inf")])
def test_a_beginning_that_is_no_instant_is_malformed(claim: str, value: Any) -> None:
    assert having(claim, value) == "token_malformed"


def test_an_expiry_may_be_a_fraction_and_may_be_far() -> None:
    assert found(exp=NOW + 600.75) == IDENTITY
    assert found(exp=2**53) == IDENTITY._replace(expires_at=2**53)


@pytest.mark.parametrize(
    ("late_s", "good"), [(0, True), (59, True), (59.99, True), (60, False), (60.5, False), (1e9, False)]
)
def test_a_token_expires_with_a_minute_of_leeway(late_s: float, good: bool) -> None:
    assert (found(wall_s=NOW + 600 + late_s) == IDENTITY) is good
    if not good:
        assert found(wall_s=NOW + 600 + late_s) == "token_expired"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize(("early_s", "good"), [(0, True), (60, True), (60.5, False), (61, False), (500, False)])
def test_a_token_begins_with_a_minute_of_leeway(claim: str, early_s: float, good: bool) -> None:
    answer = having(claim, NOW + early_s)
    assert answer == (IDENTITY if good else "token_not_yet_valid")


def test_the_leeway_is_what_it_was_set_to() -> None:
    strict = EXPECTED._replace(leeway_s=0)
    assert found(strict, wall_s=NOW + 600) == "token_expired"
    assert found(strict, wall_s=NOW + 599.5) == IDENTITY
    assert found(strict, nbf=NOW + 1) == "token_not_yet_valid"


@pytest.mark.parametrize("subject", [..., None, "", " ", "\t", 0, 1, True, ["u-1"], {}, "u" * 1025])
def test_a_token_about_nobody_is_malformed(subject: Any) -> None:
    assert found(sub=subject) == "token_malformed"


@pytest.mark.parametrize("claim", ["jti", "sid"])
@pytest.mark.parametrize("value", ["", " ", 0, 1, True, ["t-1"], {}, "x" * 1025])
def test_an_id_that_no_revocation_could_name_is_malformed(claim: str, value: Any) -> None:
    assert having(claim, value) == "token_malformed"


@pytest.mark.parametrize("claim", ["jti", "sid"])
def test_an_id_that_is_null_is_absent(claim: str) -> None:
    assert having(claim, None) == having(claim, ...)


@pytest.mark.parametrize("claim", ["email", "name"])
def test_what_only_describes_the_user_may_be_empty_and_must_be_text(claim: str) -> None:
    without: dict[str, Any] = {claim: None}
    for nothing in (..., None, "", " "):
        assert having(claim, nothing) == IDENTITY._replace(user=IDENTITY.user._replace(**without))
    for wrong in (1, ["Ada"], True):
        assert having(claim, wrong) == "token_malformed"


@pytest.mark.parametrize(
    ("verified", "kept"), [(True, True), ("true", True), (False, False), ("false", False), ([], False)]
)
def test_an_address_that_the_issuer_does_not_vouch_for_is_left_out(verified: Any, kept: bool) -> None:
    user = User("u-1", "ada@example.com" if kept else None, "Ada")
    assert found(email_verified=verified) == IDENTITY._replace(user=user)


def test_the_first_check_that_fails_says_why() -> None:
    wrong: dict[str, Any] = {
        "sub": "",
        "nbf": NOW + 900,
        "exp": 1,
        "aud": "other",
        "iss": "https://evil.example",
    }
    codes = ["token_malformed", "token_not_yet_valid", "token_expired", "token_wrong_audience", "token_wrong_issuer"]
    changed: dict[str, Any] = {}
    for (claim, value), code in zip(wrong.items(), codes, strict=True):
        changed[claim] = value
        assert found(**changed) == code, claim
    assert found(header=HEADER._replace(typ="JWT"), **changed) == "token_wrong_type"


def test_refusals_found_elsewhere_are_built_here_and_only_those_of_tokens() -> None:
    for code in TOKEN_CODES:
        assert refused(code) == Rejected(TABLE[code])
    for code in ("token_missing", "invalid_credentials", "keys_unavailable", "unheard_of"):
        with pytest.raises(KeyError):
            refused(code)


def test_only_refusals_for_time_can_be_a_clocks_fault() -> None:
    assert {code for code in TABLE if time_refusal(code)} == {"token_expired", "token_not_yet_valid"}


claims = st.dictionaries(st.sampled_from([*CLAIMS, "azp", "typ", "token_use", "nonce"]), json_values, max_size=12)


@quick
@given(claims, st.sampled_from(sorted(PROFILES)), st.sampled_from([None, "JWT", "at+jwt", "x"]))
def test_no_claims_at_all_make_the_checks_fail(said: dict[str, Any], name: str, typ: str | None) -> None:
    profile = PROFILES[name]
    expected = EXPECTED._replace(types=profile.types, profile=profile)
    for each in (said, {**CLAIMS, **said}):
        answer = check(HEADER._replace(typ=typ), each, expected, NOW)
        assert isinstance(answer, Identity) or answer.cause.code in TOKEN_CODES
