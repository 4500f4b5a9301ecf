"""Tokens of simulated devices with ennexOS, over real HTTP."""

import socket

import pytest
import requests
from support import simulated_ennexos
from support.simulated_ennexos import SELF, Meet

from sma_exporter.simulator import EnnexosSimulator, Switches, faults

meet = simulated_ennexos.meet

LIVE = [{"componentId": SELF}]


def test_a_session_from_login_to_logout(meet: Meet) -> None:
    client = meet("stp-x-15", user=None)
    simulator = client.simulator
    assert client.live().status_code == 401

    response = client.token(grant_type="password", username="owner", password="Sunny-1234")
    tokens = client.keep(response)
    assert set(tokens) == {
        *("access_token", "refresh_token", "token_type", "expires_in", "uiIdleTime")
    }
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert response.headers["Set-Cookie"].startswith("JSESSIONID=")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-cache,no-store,must-revalidate"
    assert (simulator.sessions, simulator.unclaimed_sessions) == (1, 1)
    assert client.live().status_code == 200
    assert (simulator.sessions, simulator.unclaimed_sessions) == (1, 0)

    left = client.log_out()
    assert (left.status_code, left.content) == (204, b"")
    assert left.headers["Content-Type"] == "application/json"
    assert client.live().status_code == 401
    assert (simulator.sessions, simulator.logins, simulator.logouts) == (0, 1, 1)
    assert simulator.most_sessions_in_use == 1
    assert simulator.session_ids == [tokens["access_token"], tokens["refresh_token"]]


@pytest.mark.parametrize(
    ("name", "password"), [("owner", "wrong"), ("owner", ""), ("nobody", "Sunny-1234"), ("", "")]
)
def test_a_wrong_user_or_password_is_400_without_a_body(
    meet: Meet, name: str, password: str
) -> None:
    client = meet(user=None)
    refused = client.token(grant_type="password", username=name, password=password)
    assert (refused.status_code, refused.content) == (400, b"")
    assert refused.headers["Content-Length"] == "0"
    assert (client.simulator.logins, client.simulator.login_attempts) == (0, 1)


def test_a_login_is_a_form_and_no_json(meet: Meet) -> None:
    client = meet(user=None)
    body = {"grant_type": "password", "username": "owner", "password": "Sunny-1234"}
    assert client.request("POST", "token", json=body).status_code == 500
    assert client.request("POST", "token", data=body).status_code == 200
    assert client.request("POST", "token", data={"grant_type": "other"}).status_code == 400
    assert client.request("GET", "token").status_code == 401


def test_user_and_password_may_have_any_characters(meet: Meet) -> None:
    client = meet(username="a+b &c", password="p=ä&%41+ ;#", user=None)
    tokens = client.token(grant_type="password", username="a+b &c", password="p=ä&%41+ ;#")
    assert tokens.status_code == 200
    assert client.simulator.credentials == {"username": "a+b &c", "password": "p=ä&%41+ ;#"}


def test_an_access_token_expires(meet: Meet) -> None:
    client = meet(expires_in=60)
    client.monotonic.now += 59.9
    assert client.live().status_code == 200
    client.monotonic.now += 0.2
    expired = client.live()
    assert expired.status_code == 401
    assert (expired.content, expired.headers["Content-Type"]) == (b"Unauthorized", "text/plain")
    client.switch(unauthorized="json")
    assert client.live().json() == {"error": "invalid_token"}
    assert client.simulator.sessions == 0


def test_a_refresh_needs_neither_cookie_nor_authorization(meet: Meet) -> None:
    client = meet(expires_in=60)
    first = (client.access, client.refresh_token)
    client.monotonic.now += 50
    client.refresh()
    assert client.access not in first
    assert client.refresh_token not in first
    client.monotonic.now += 50
    assert client.live().status_code == 200
    assert (client.simulator.sessions, client.simulator.refreshes) == (1, 1)
    assert client.simulator.logins == 1
    client.log_out()
    assert client.simulator.sessions == 0


def test_an_expired_session_comes_back_by_a_refresh(meet: Meet) -> None:
    client = meet(expires_in=60, refresh_expires_in=600)
    client.monotonic.now += 500
    assert client.simulator.sessions == 0
    client.refresh()
    assert client.simulator.sessions == 1
    client.monotonic.now += 601
    token = str(client.refresh_token)
    assert client.token(grant_type="refresh_token", refresh_token=token).status_code == 400


@pytest.mark.parametrize(("reusable", "status"), [(False, 400), (True, 200)])
def test_the_old_refresh_token_dies_or_lives(meet: Meet, reusable: bool, status: int) -> None:
    client = meet(reusable=reusable)
    old = str(client.refresh_token)
    client.refresh()
    assert client.token(grant_type="refresh_token", refresh_token=old).status_code == status


def test_a_refresh_token_must_be_escaped_in_a_url(meet: Meet) -> None:
    client = meet()
    plain = f"refreshtoken?refreshToken={client.refresh_token}"
    assert client.request("DELETE", plain).status_code == 404
    assert client.log_out().status_code == 204


def test_a_logout_needs_authorization(meet: Meet) -> None:
    client = meet()
    client.access = None
    assert client.log_out().status_code == 401
    assert client.simulator.sessions == 1


def test_a_restart_forgets_all_tokens(meet: Meet) -> None:
    client = meet()
    token = str(client.refresh_token)
    client.simulator.expire_sessions()
    assert client.simulator.sessions == 0
    assert client.live().status_code == 401
    assert client.token(grant_type="refresh_token", refresh_token=token).status_code == 400
    client.login()
    assert client.live().status_code == 200


def test_counts_can_be_set_back(meet: Meet) -> None:
    client = meet()
    client.live()
    client.refresh()
    simulator = client.simulator
    assert [path for _, path in simulator.requests] == [
        *("/api/v1/token", "/api/v1/measurements/live", "/api/v1/token")
    ]
    assert (simulator.token_requests, simulator.refreshes) == (2, 1)
    simulator.reset_counts()
    assert (simulator.logins, simulator.refreshes, simulator.login_attempts) == (0, 0, 0)
    assert (simulator.requests, simulator.session_ids) == ([], [])
    assert simulator.sessions == 1


def test_sessions_in_use_at_one_time_are_counted(meet: Meet) -> None:
    client = meet()
    for _ in range(3):
        client.login()
        client.live()
    client.login()
    assert (client.simulator.sessions, client.simulator.unclaimed_sessions) == (5, 2)
    assert client.simulator.most_sessions_in_use == 3


def test_a_user_sees_less_than_an_installer_and_he_less_than_an_administrator(meet: Meet) -> None:
    client = meet("evc-22", user="owner")
    seen = {}
    for name in ("owner", "installer", "administrator"):
        client.login(name)
        seen[name] = {*client.values(), *client.parameters()}
    assert seen["owner"] < seen["installer"] < seen["administrator"]
    assert seen["administrator"] - seen["installer"] == {"Inverter.AcALim"}
    assert "Operation.WMaxLimSrc" in seen["installer"] - seen["owner"]


def test_faults_apply_to_endpoints(meet: Meet) -> None:
    client = meet()
    for path, status in (("token", 503), ("measurements/live", 403)):
        client.simulator.faults.add(faults.Fault(faults.status(status), path=path, times=1))
    assert client.request("POST", "measurements/live/", json=LIVE).status_code == 403
    assert client.live().status_code == 200
    assert client.token(grant_type="password").status_code == 503
    client.simulator.faults.add(faults.Fault(faults.mutate(lambda _: []), path="measurements/live"))
    assert client.live().json() == []
    client.simulator.faults.clear()
    client.simulator.faults.add(faults.Fault(faults.drop(), path=f"plants/Plant:1/devices/{SELF}"))
    with pytest.raises(requests.ConnectionError):
        client.request("GET", f"plants/Plant%3A1/devices/{SELF}")


def test_https_with_a_certificate_of_an_unknown_issuer() -> None:
    with EnnexosSimulator("stp-x-15", tls=True) as simulator:
        assert simulator.url.startswith("https://")
        assert (simulator.fingerprint or "").startswith("sha256:")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(simulator.url, timeout=10)


def test_on_plain_http_only_the_charging_station_answers() -> None:
    for model, status in (("evc-22", 200), ("stp-x-15", 404), ("data-manager", 404)):
        with EnnexosSimulator(model) as simulator:
            for path in ("/", "/api/v1/system/info"):
                assert requests.get(simulator.url + path, timeout=10).status_code == status


def test_a_device_may_drop_connections_on_plain_http() -> None:
    switches = Switches(plain_http="drop")
    with (
        EnnexosSimulator("stp-x-15", switches=switches) as simulator,
        pytest.raises(requests.ConnectionError),
    ):
        requests.post(simulator.url + "/api/v1/token", data={}, timeout=10)


def test_feature_toggles_may_hang(meet: Meet) -> None:
    client = meet()
    assert client.request("GET", "featuretoggles").json() == []
    client.switch(feature_toggles="hang")
    with pytest.raises(requests.Timeout):
        client.request("GET", "featuretoggles", timeout=0.3)
    client.simulator.faults.clear()
    with socket.create_connection(("127.0.0.1", client.simulator.port)):
        assert client.live().status_code == 200
