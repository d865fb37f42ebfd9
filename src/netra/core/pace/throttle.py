"""May they try? Those who were rejected too often are asked to wait, before the auth service hears of them.

It must never count a success, nor anything but a verdict: an auth service that is down makes nobody a guesser.
Not safe for threads; one event loop owns it.
"""

from math import ceil
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from netra.core.pace.rejections import CAPACITY_COUNT, OFF, Limit, Rejections
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected

GUESSES: Final = frozenset({"invalid_credentials", "refresh_rejected", "email_taken"})
"""The rejections that tell a guesser something, and therefore count. Of the others:

- After the right password there is nothing left to guess: `second_factor_required`, `password_change_required`,
  `email_unverified`, `account_disabled`.
- What has to be typed anew is no guess: `password_rejected`, `invalid_fields`.
- What the auth service limits itself ends when it says, and may be the doing of somebody elsewhere: `account_locked`,
  `too_many_attempts`. Counted here as well, our own wait would make its `Retry-After` a lie.
"""
SOON_S: Final = 1
"""When to come back while nothing but attempts under way takes the places: each of them may end at any moment."""
REFRESHES_RATIO: Final = 10
"""So much more often may refreshes of one address be rejected: nobody can guess a token, and after a loss of sessions
everybody behind an address is rejected once, which must not keep those away who still have one."""


class Place:
    """An attempt's seat: taken before it is sent, kept or given back by its outcome, given back without one."""

    __slots__ = ("_account", "_address", "_throttle", "refusal")

    def __init__(
        self,
        throttle: "Throttle | None",
        account: str | None = None,
        address: str | None = None,
        refusal: Rejected | None = None,
    ) -> None:
        self._throttle = throttle
        """None when there is nothing to give back, or no longer."""
        self._account = account
        self._address = address
        self.refusal = refusal
        """Why there is no place; None when there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        throttle = self._throttle
        if throttle is not None:
            self._throttle = None
            throttle.give_back(self._account)

    def settle(self, outcome: Outcome[Any], now_s: float) -> None:
        """Remember what became of the attempt; only the first outcome of a place counts."""
        throttle = self._throttle
        if throttle is not None:
            self._throttle = None
            throttle.give_back(self._account)
            throttle.learn(self._account, self._address, outcome, now_s)


class Throttle:
    """The limits of one journey: rejections of an account at an address, and rejections of an address.

    For an account, attempts under way count like rejections, so that no burst sends more guesses than the limit.
    For an address they do not: it may stand for a thousand people, and when the auth service hangs, all of them are
    under way. What a burst is rejected beyond the limit of an address takes the places of its next attempts.
    """

    __slots__ = ("_accounts", "_accounts_limit_count", "_addresses", "_under_way")

    def __init__(
        self,
        account: Limit = OFF,
        address: Limit = OFF,
        *,
        counts_under_way: bool = True,
        capacity_count: int = CAPACITY_COUNT,
    ) -> None:
        """`counts_under_way`: False where one account may well ask many times at once."""
        self._accounts = Rejections(account, capacity_count) if account else None
        self._addresses = Rejections(address, capacity_count) if address else None
        self._accounts_limit_count = account.count
        self._under_way: dict[str, int] | None = {} if counts_under_way and account else None
        """By account and address: how many are under way; whoever has none is not in it."""

    @property
    def remembered_count(self) -> int:
        """How many keys there are, for those who watch memory."""
        tables = (self._accounts, self._addresses, self._under_way)
        return sum(len(table) for table in tables if table is not None)

    def reserve(self, who: str, address: str | None, now_s: float, *, shared: bool = False) -> Place:
        """A place for one attempt, or why there is none.

        `who` stands for the account, `address` for the caller's address or network; None when nobody knows it.
        `shared`: strangers are behind this address, so it has no limit of its own; accounts still have theirs there.
        """
        addresses = None if shared or address is None else self._addresses
        wait_s = 0.0 if addresses is None or address is None else addresses.wait_s(address, now_s)
        accounts, account = self._accounts, None
        if accounts is not None:
            account = f"{who} {address}"
            wait_s = max(wait_s, accounts.wait_s(account, now_s))
            under_way = self._under_way
            if under_way is not None:
                count = under_way.get(account, 0)
                if count and count + accounts.count(account, now_s) >= self._accounts_limit_count:
                    wait_s = max(wait_s, SOON_S)
                if not wait_s:
                    under_way[account] = count + 1
        if wait_s:
            return Place(None, refusal=Rejected(TABLE["too_many_attempts"], max(1, ceil(wait_s))))
        return Place(self, account, None if addresses is None else address)

    def give_back(self, account: str | None) -> None:
        """An attempt is no longer under way."""
        under_way = self._under_way
        if under_way is not None and account is not None:
            count = under_way[account]
            if count == 1:
                del under_way[account]
            else:
                under_way[account] = count - 1

    def learn(self, account: str | None, address: str | None, outcome: Outcome[Any], now_s: float) -> None:
        """What an attempt came to: a guess that was wrong is kept, a success clears what the account had against it."""
        if isinstance(outcome, Accepted):
            if self._accounts is not None and account is not None:
                self._accounts.clear(account)
        elif isinstance(outcome, Rejected) and outcome.cause.code in GUESSES:
            if self._accounts is not None and account is not None:
                self._accounts.keep(account, now_s)
            if self._addresses is not None and address is not None:
                self._addresses.keep(address, now_s)


class Throttles(NamedTuple):
    """One throttle a journey: what somebody was rejected for at one counts at no other."""

    login: Throttle
    register: Throttle
    refresh: Throttle
    """Its accounts are tokens, and many requests may show the same one at once."""

    @classmethod
    def of(cls, account: Limit, address: Limit) -> "Throttles":
        """All of them from the two settings."""
        refreshes = Limit(address.count * REFRESHES_RATIO, address.window_s)
        return cls(
            Throttle(account, address),
            Throttle(account, address),
            Throttle(account, refreshes, counts_under_way=False),
        )
