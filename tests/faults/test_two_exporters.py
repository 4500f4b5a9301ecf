"""Two exporters, two processes, one device: what a mistake in two configurations costs."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.programs import exporter, get, values

from sma_exporter.simulator import PASSWORD, Simulator
from sma_exporter.webconnect import SMA, make_session

_UP = 'sma_up{device="roof"}'
_ROUNDS = 15


@pytest.mark.parametrize("session", ["scrape", "keep"])
@pytest.mark.parametrize("sessions", [4, 2])
def test_two_processes_on_one_device(tmp_path: Path, session: str, sessions: int) -> None:
    with ExitStack() as stack:
        roof = stack.enter_context(Simulator(max_sessions=sessions, latency=0.01))
        config = tmp_path / "sma.yml"
        config.write_text(
            "devices:\n"
            f'  - {{name: roof, url: "{roof.url}", password: "{PASSWORD}", session: {session},'
            " min_interval: 0s}\n",
            encoding="utf-8",
        )
        both = [stack.enter_context(exporter(f"--config.file={config}")) for _ in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(len(both)))

        answers = [
            values(answer.text)
            for _ in range(_ROUNDS)
            for answer in pool.map(lambda one: get(f"{one[0]}/metrics"), both)
        ]
        logins = roof.logins
        codes = [program.stop() for _, program in both]

        assert [answer[_UP] for answer in answers] == [1.0] * len(answers)
        assert roof.login_attempts == logins
        assert logins <= (len(both) if session == "keep" else len(answers))
        assert roof.most_sessions_in_use <= len(both)
        assert codes == [0, 0]
        assert roof.sessions == 0
        assert SMA(make_session(), roof.url, PASSWORD).session_check() == (sessions, 0.0)
