"""Basic authentication: what a header may hold, and what comparing costs."""

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.programs import PATIENCE_SECONDS
from support.web_configs import hashed

from sma_exporter.web_config.basic_auth import (
    MAX_WRONG,
    Passwords,
    compare,
    cost_of,
    credentials,
    hash_of_nothing,
)
from sma_exporter.web_config.turns import (
    MAX_NETWORKS,
    MAX_WAITING,
    TooBusyError,
    Turns,
    network_of,
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


class Slow:
    """A comparison that takes its time; counts them."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.compared = 0

    def __call__(self, password: bytes, _: bytes) -> bool:
        self.compared += 1
        time.sleep(self.seconds)
        return password == b"Sunny-1234"


@contextmanager
def guessing(passwords: Passwords, addresses: Sequence[str]) -> Iterator[Counter[str]]:
    """Let a client at each of these addresses guess again and again; count what comes of it."""
    seen: Counter[str] = Counter()
    ended = threading.Event()

    def guess(number: int, address: str) -> None:
        for attempt in range(100_000):
            if ended.is_set():
                return
            try:
                passwords.fits(RIGHT, b"prometheus", b"%d-%d" % (number, attempt), address)
                seen["wrong"] += 1
            except TooBusyError:
                seen["busy"] += 1
                time.sleep(0.001)

    threads = [threading.Thread(target=guess, args=each) for each in enumerate(addresses)]
    for thread in threads:
        thread.start()
    try:
        while seen["wrong"] < 3:
            time.sleep(0.001)
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


class TestGuessers:
    def test_twenty_at_the_same_address_do_not_keep_the_right_user_out(self) -> None:
        slow = Slow()
        passwords = Passwords(slow)
        with guessing(passwords, ["192.0.2.1"] * 20) as seen:
            before = slow.compared
            assert passwords.fits(RIGHT, b"prometheus", b"Sunny-1234", "192.0.2.1")

        assert slow.compared - before < 2 * 20 + 5  # all who were there before, and few more
        assert not seen["busy"]

    @pytest.mark.parametrize("prefix", ["192.0.2.", "2001:db8:0:"])
    def test_who_has_not_guessed_comes_first(self, prefix: str) -> None:
        """However many they are, and though they guess the password of the same user."""
        slow = Slow(0.05)
        passwords = Passwords(slow)
        addresses = [f"{prefix}{number}" + ("::1" if ":" in prefix else "") for number in range(60)]
        with guessing(passwords, addresses):
            while slow.compared < 2 * len(addresses):  # each of them has been wrong
                slow.seconds = 0.002
                time.sleep(0.001)
            slow.seconds = 0.05
            before = slow.compared
            assert passwords.fits(RIGHT, b"prometheus", b"Sunny-1234", "198.51.100.1")
            compared = slow.compared - before

        assert compared < 10  # the present one, its own, and what came in between

    def test_a_client_who_did_not_guess_takes_the_place_of_one_who_did(self) -> None:
        slow = Slow()
        passwords = Passwords(slow)
        with guessing(passwords, ["192.0.2.1"] * (MAX_WAITING + 20)) as seen:
            while not seen["busy"]:
                time.sleep(0.001)
            assert passwords.fits(RIGHT, b"prometheus", b"Sunny-1234", "198.51.100.1")

    def test_a_known_answer_waits_for_nobody(self) -> None:
        may_go_on = threading.Event()

        def compare(password: bytes, hashed: bytes) -> bool:
            return password == b"Sunny-1234" or may_go_on.wait(PATIENCE_SECONDS)

        passwords = Passwords(compare)
        passwords.fits(RIGHT, b"prometheus", b"Sunny-1234", "192.0.2.1")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(passwords.fits, RIGHT, b"me", b"wrong", "192.0.2.1")
            assert passwords.fits(RIGHT, b"prometheus", b"Sunny-1234", "192.0.2.1")
            may_go_on.set()

    def test_few_wait_and_the_others_are_turned_away(self) -> None:
        may_go_on = threading.Event()
        passwords = Passwords(lambda *_: not may_go_on.wait(PATIENCE_SECONDS))
        more = MAX_WAITING + 2  # one is being compared
        with ThreadPoolExecutor(more) as pool:
            asked = [pool.submit(passwords.fits, RIGHT, b"me", b"%d" % n) for n in range(more)]
            (refused,), waiting = wait(asked, PATIENCE_SECONDS, FIRST_COMPLETED)
            assert isinstance(refused.exception(), TooBusyError)
            may_go_on.set()

            assert not any(outcome.result() for outcome in waiting)
        assert not passwords.fits(RIGHT, b"me", b"another")

    def test_nobody_waits_for_ever(self) -> None:
        may_go_on = threading.Event()
        passwords = Passwords(lambda *_: may_go_on.wait(PATIENCE_SECONDS), Turns(max_wait=0.05))
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(passwords.fits, RIGHT, b"me", b"a")
            while not first.running():
                time.sleep(0.001)
            time.sleep(0.05)
            with pytest.raises(TooBusyError):
                passwords.fits(RIGHT, b"me", b"b")
            may_go_on.set()
            assert first.result()
        assert passwords.fits(RIGHT, b"me", b"b")

    def test_the_same_at_once_is_compared_once(self) -> None:
        counting = Counting()
        with ThreadPoolExecutor(8) as pool:
            outcomes = [
                pool.submit(counting.passwords.fits, RIGHT, b"me", b"other") for _ in range(8)
            ]

        assert all(outcome.result() for outcome in outcomes)
        assert counting.spent == 16

    def test_a_mistake_in_a_comparison_gives_the_turn_on(self) -> None:
        mistakes = [RuntimeError("a mistake")]

        def compare(*_: bytes) -> bool:
            if mistakes:
                raise mistakes.pop()
            return True

        passwords = Passwords(compare)
        with pytest.raises(RuntimeError):
            passwords.fits(RIGHT, b"me", b"a")

        assert passwords.fits(RIGHT, b"me", b"a")

    def test_what_is_remembered_of_guessers_is_bounded(self) -> None:
        turns = Turns()
        for number in range(MAX_NETWORKS + 10):
            turns.note(f"2001:db8:{number:x}::1", right=False)

        assert len(turns._failures) == MAX_NETWORKS

    @pytest.mark.parametrize(
        ("address", "same"),
        [
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:db8:0:0:ffff::2"),
            ("fe80::1%eth0", "fe80::2%eth0"),
        ],
    )
    def test_addresses_that_one_client_may_have_to_itself(self, address: str, same: str) -> None:
        assert network_of(address) == network_of(same)

    def test_other_networks(self) -> None:
        addresses = ["", "x", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"]

        assert len({network_of(address) for address in addresses}) == len(addresses)
