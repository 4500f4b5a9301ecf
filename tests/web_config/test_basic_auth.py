"""Basic authentication: what a header may hold, and what comparing costs."""

import base64
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.programs import PATIENCE_SECONDS
from support.web_configs import hashed

from sma_exporter.web_config.basic_auth import (
    MAX_WAITING,
    MAX_WRONG,
    Passwords,
    TooBusyError,
    compare,
    cost_of,
    credentials,
    hash_of_nothing,
)


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


class TestCredentials:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (b"user:password", (b"user", b"password")),
            (b"user:pass:word", (b"user", b"pass:word")),
            (b"user:", (b"user", b"")),
            (b":password", (b"", b"password")),
            ("jürgen:schön".encode(), ("jürgen".encode(), "schön".encode())),
            (b"\xff\xfe:\0", (b"\xff\xfe", b"\0")),
        ],
    )
    def test_of_a_header(self, text: bytes, expected: tuple[bytes, bytes]) -> None:
        assert credentials(basic(text)) == expected

    def test_the_scheme_is_written_as_one_likes(self) -> None:
        encoded = base64.b64encode(b"a:b").decode()

        assert credentials(f"basic {encoded}") == credentials(f"BASIC   {encoded} ") == (b"a", b"b")

    @pytest.mark.parametrize(
        "header",
        ["", "Basic", "Basic ", "Basic !!!!", "Basic YQ", "Basic YQ==", "Bearer YTpi", "Basic YTpi YTpi",
         "YTpi", "Basic \xff", "Basic YTpi,"],
    )  # fmt: skip
    def test_of_a_header_that_holds_none(self, header: str) -> None:
        assert credentials(header) is None

    @given(st.text())
    def test_no_header_is_too_odd(self, text: str) -> None:
        credentials(text)
        credentials(f"Basic {text}")


RIGHT = {b"prometheus": hashed("Sunny-1234").encode(), b"me": hashed("other").encode()}


class Counting:
    """Passwords, and what the comparisons cost so far: 2 to the power of the cost, added up."""

    def __init__(self) -> None:
        self.spent = 0
        self.passwords = Passwords(self._compare)

    def _compare(self, password: bytes, hashed: bytes) -> bool:
        self.spent += 2 ** cost_of(hashed)
        return compare(password, hashed)

    def cost(self, users: dict[bytes, bytes], user: bytes, password: bytes) -> tuple[bool, int]:
        """Whether it fits, and what it costs to know it."""
        before = self.spent
        return self.passwords.fits(users, user, password), self.spent - before


class TestPasswords:
    @pytest.mark.parametrize(
        ("user", "password", "expected"),
        [
            (b"prometheus", b"Sunny-1234", True),
            (b"me", b"other", True),
            (b"prometheus", b"other", False),
            (b"prometheus", b"", False),
            (b"prometheus", b"Sunny-1234\0", False),
            (b"prometheus", b"\0", False),
            (b"nobody", b"Sunny-1234", False),
            (b"", b"", False),
            (b"\xff", b"\xff" * 100, False),
            (b"prometheus", b"a" * 20_000, False),
        ],
    )
    def test_fit_or_do_not(self, user: bytes, password: bytes, expected: bool) -> None:
        passwords = Passwords()

        assert passwords.fits(RIGHT, user, password) is expected
        assert passwords.fits(RIGHT, user, password) is expected

    def test_bcrypt_looks_at_72_bytes_as_its_other_tools_do(self) -> None:
        users = {b"a": hashed("x" * 72).encode()}

        assert Passwords().fits(users, b"a", b"x" * 80)
        assert not Passwords().fits(users, b"a", b"x" * 71)

    def test_an_outcome_is_remembered(self) -> None:
        counting = Counting()
        for password, fits in ((b"Sunny-1234", True), (b"wrong", False)):
            assert counting.cost(RIGHT, b"prometheus", password) == (fits, 16)
            assert counting.cost(RIGHT, b"prometheus", password) == (fits, 0)

    def test_a_new_hash_is_asked(self) -> None:
        counting = Counting()
        counting.passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")
        changed = RIGHT | {b"prometheus": hashed("new").encode()}

        assert counting.cost(changed, b"prometheus", b"Sunny-1234") == (False, 16)
        assert counting.cost(changed, b"prometheus", b"new") == (True, 16)

    def test_a_user_who_was_removed_is_out(self) -> None:
        passwords = Passwords()
        passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")

        assert not passwords.fits({b"me": RIGHT[b"me"]}, b"prometheus", b"Sunny-1234")

    def test_wrong_passwords_do_not_drive_out_right_ones(self) -> None:
        counting = Counting()
        counting.passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")
        for number in range(MAX_WRONG + 10):
            counting.passwords.fits(RIGHT, b"prometheus", b"%d" % number)

        assert counting.cost(RIGHT, b"prometheus", b"Sunny-1234") == (True, 0)
        newest, oldest = b"%d" % (MAX_WRONG + 9), b"0"
        assert counting.cost(RIGHT, b"prometheus", newest) == (False, 0)
        assert counting.cost(RIGHT, b"prometheus", oldest) == (False, 16)  # forgotten

    def test_what_is_wrong_costs_the_same_whoever_it_was(self) -> None:
        costs = {b"cheap": 4, b"middle": 5, b"dear": 7}
        users = {name: hashed("right", cost).encode() for name, cost in costs.items()}
        counting = Counting()

        spent = {name: counting.cost(users, name, b"wrong") for name in [*users, b"nobody"]}

        assert spent == dict.fromkeys([*users, b"nobody"], (False, 2**7))

    @pytest.mark.parametrize("cost", [4, 5])
    def test_comparing_with_nothing_is_as_much_work(self, cost: int) -> None:
        made = bcrypt.hashpw(b"password", hash_of_nothing(cost))

        assert cost_of(made) == cost
        assert len(made) == len(hash_of_nothing(cost)) == 60

    def test_no_password_is_kept(self) -> None:
        passwords = Passwords()
        passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")
        passwords.fits(RIGHT, b"prometheus", b"Sunny-5678")

        assert b"Sunny" not in repr(vars(passwords)).encode()


class TestCrowding:
    def test_few_wait_and_the_others_are_turned_away(self) -> None:
        may_go_on = threading.Event()

        def slowly(password: bytes, hashed: bytes) -> bool:
            return (password == b"Sunny-1234" or may_go_on.wait(30)) and compare(password, hashed)

        passwords = Passwords(slowly)
        passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")
        with ThreadPoolExecutor(MAX_WAITING + 1) as pool:
            asked = [
                pool.submit(passwords.fits, RIGHT, b"me", b"%d" % n) for n in range(MAX_WAITING + 1)
            ]
            (refused,), waiting = wait(asked, PATIENCE_SECONDS, FIRST_COMPLETED)
            assert isinstance(refused.exception(), TooBusyError)
            assert passwords.fits(RIGHT, b"prometheus", b"Sunny-1234")  # is known: waits for nobody
            may_go_on.set()

            assert not any(outcome.result() for outcome in waiting)
        assert not passwords.fits(RIGHT, b"me", b"another")

    def test_the_same_at_once_is_compared_once(self) -> None:
        counting = Counting()
        with ThreadPoolExecutor(MAX_WAITING) as pool:
            outcomes = [
                pool.submit(counting.passwords.fits, RIGHT, b"me", b"other")
                for _ in range(MAX_WAITING)
            ]

        assert all(outcome.result() for outcome in outcomes)
        assert counting.spent == 16
