"""The boundary to browsers, as a table: Host, Origin, token, scope, content type, size."""

import json
from typing import Any, Final

import pytest

from coordinator.http.app import BASE, make_app
from coordinator.http.auth.sessions import COOKIE
from coordinator.http.boundary import BODY_BYTES, Rules
from tests.support.quiet_room import HERE, QuietRoom

JSON: Final = {"Content-Type": "application/json"}
TASK: Final = b'{"name": "a task", "mode": "quest"}'

HOSTS: Final = [
    ("127.0.0.1:8080", 200),
    ("localhost:8080", 200),
    ("LOCALHOST", 200),
    ("[::1]:8080", 200),
    ("fleet.example", 200),
    ("evil.example", 421),
    ("evil.example:8080", 421),
    ("127.0.0.1.evil.example", 421),
    ("localhost.evil.example", 421),
    ("evil.example#localhost", 421),
    ("user@localhost@evil.example", 421),
    ("169.254.169.254", 421),
    ("0.0.0.0:8080", 421),
    ("[::1", 421),
    ("", 421),
]
ORIGINS: Final = [
    # Origin, Sec-Fetch-Site, status of an unsafe method, status of the stream
    (None, None, 503, 200),
    (HERE, None, 503, 200),
    (HERE, "same-origin", 503, 200),
    ("http://evil.example", None, 403, 403),
    ("http://evil.example", "cross-site", 403, 403),
    (None, "cross-site", 403, 403),
    (None, "same-site", 403, 403),
    ("null", None, 403, 403),
    ("http://127.0.0.1:9999", None, 403, 403),
    ("http://localhost:8080", None, 403, 403),
    ("file://", None, 403, 403),
    ("http://127.0.0.1:8080.evil.example", None, 403, 403),
]
CONTENT: Final = [
    ("application/json", 503),
    ("application/json; charset=utf-8", 503),
    ("Application/JSON", 503),
    (None, 415),
    ("", 415),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("multipart/form-data; boundary=x", 415),
    ("text/plain; application/json", 415),
    ("application/jsonp", 415),
]
"""503: everything is right, and only the bus is missing."""


def summary(quiet: QuietRoom, **headers: str) -> int:
    answer = quiet.client.get(f"{BASE}/summary", headers=quiet.bearer("read") | headers)
    return answer.status_code


def post(
    quiet: QuietRoom, headers: dict[str, str], path: str = "/tasks", body: bytes = TASK
) -> Any:
    return quiet.client.post(f"{BASE}{path}", content=body, headers=headers)


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_only_names_of_this_control_room_are_answered(
    quiet: QuietRoom, host: str, status: int
) -> None:
    assert summary(quiet, Host=host) == status


@pytest.mark.parametrize(("origin", "site", "unsafe", "_stream"), ORIGINS)
def test_what_changes_something_must_come_from_a_page_of_ours(
    quiet: QuietRoom, origin: str | None, site: str | None, unsafe: int, _stream: int
) -> None:
    headers = _from(origin, site) | quiet.bearer("operate") | JSON
    assert post(quiet, headers).status_code == unsafe


@pytest.mark.parametrize(("origin", "site", "_unsafe", "stream"), ORIGINS)
def test_the_stream_is_for_pages_of_ours(
    quiet: QuietRoom, origin: str | None, site: str | None, _unsafe: int, stream: int
) -> None:
    quiet.room.hub.stop()  # so that a stream ends at once
    headers = _from(origin, site) | quiet.bearer("read")
    assert quiet.client.get(f"{BASE}/stream", headers=headers).status_code == stream


def test_a_cookie_without_an_origin_changes_nothing(quiet: QuietRoom) -> None:
    signed_in = post(quiet, JSON, "/session", _json(token=quiet.secrets["operate"]))
    assert signed_in.status_code == 200
    assert post(quiet, JSON).status_code == 403
    assert post(quiet, JSON | {"Origin": HERE}).status_code == 503


@pytest.mark.parametrize(("kind", "status"), CONTENT)
def test_a_body_must_be_json_because_no_form_can_send_it(
    quiet: QuietRoom, kind: str | None, status: int
) -> None:
    headers = quiet.bearer("operate") | ({} if kind is None else {"Content-Type": kind})
    assert post(quiet, headers).status_code == status


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer x", "Bearer fb_x_y", "Basic YTpi"])
def test_whoever_shows_no_token_of_ours_learns_nothing(quiet: QuietRoom, shown: str) -> None:
    headers = {"Authorization": shown} if shown else {}
    for path in ("summary", "agents", "tasks", "events", "fleet-plan", "health", "stream"):
        answer = quiet.client.get(f"{BASE}/{path}", headers=headers)
        assert answer.status_code == 401, path
        assert answer.json()["code"] == "not_signed_in"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_with_another_secret_is_no_token(quiet: QuietRoom) -> None:
    prefix, secret = quiet.secrets["admin"].rsplit("_", 1)
    forged = f"{prefix}_{'x' * len(secret)}"
    assert summary(quiet, Authorization=f"Bearer {forged}") == 401


def test_every_operation_asks_for_a_scope_and_refuses_the_one_below(quiet: QuietRoom) -> None:
    """Only probes and signing in are open; what is open is named here."""
    open_to_all = {"healthz", "readyz", "sign_in", "sign_out"}
    open_to_all.add("metrics")  # it has a test of its own: a token, or a scrape of this machine
    below: dict[str, Any] = {"read": None, "operate": "read", "admin": "operate"}
    document = make_app(None, Rules()).openapi()
    seen = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            if name in open_to_all:
                continue
            address = path.replace("{name}", "Main").replace("{id}", "t1")
            address = address.replace("{key}", "global").replace("{n}", "1")
            needed = _scope_of(quiet, method, address)
            seen.add(needed)
            assert needed is not None, f"{name} is open to everybody"
            if below[needed] is not None:
                answer = quiet.client.request(
                    method, address, headers=quiet.bearer(below[needed]) | JSON, content=b"{}"
                )
                assert answer.status_code == 403, name
    assert seen == {"read", "operate", "admin"}


def _scope_of(quiet: QuietRoom, method: str, address: str) -> str | None:
    anonymous = quiet.client.request(method, address, headers=JSON, content=b"{}")
    if anonymous.status_code != 401:
        return None
    return str(anonymous.json()["detail"].split("'")[1])


def test_a_revoked_token_ends_the_sessions_that_rest_on_it(quiet: QuietRoom) -> None:
    post(quiet, JSON, "/session", _json(token=quiet.secrets["read"]))
    assert quiet.client.get(f"{BASE}/summary").status_code == 200
    quiet.room.tokens.revoke("read")
    assert quiet.client.get(f"{BASE}/summary").status_code == 401


def test_the_cookie_is_for_this_site_and_for_no_script(quiet: QuietRoom) -> None:
    quiet.room.is_secure = True
    answer = post(quiet, JSON, "/session", _json(token=quiet.secrets["read"]))
    said = answer.headers["set-cookie"].lower()
    assert said.startswith(COOKIE)
    for word in ("httponly", "samesite=strict", "secure", "path=/"):
        assert word in said


def test_a_body_may_be_a_mebibyte_and_not_a_byte_more(quiet: QuietRoom) -> None:
    headers = quiet.bearer("operate") | JSON
    filler = BODY_BYTES - len(_json(name="n", mode="m", metadata={"x": ""}))
    most = _json(name="n", mode="m", metadata={"x": "x" * filler})
    assert len(most) == BODY_BYTES
    assert post(quiet, headers, body=most).status_code in {413, 503}  # the bus takes less
    assert post(quiet, headers, body=most).json()["code"] != "content_type"
    more = post(quiet, headers, body=most + b" ")
    assert more.status_code == 413
    assert "bytes" in more.json()["detail"]


def test_a_body_that_does_not_say_its_length_is_measured(quiet: QuietRoom) -> None:
    chunks = (b"x" * 65_536 for _ in range(20))
    headers = quiet.bearer("operate") | JSON
    answer = quiet.client.post(f"{BASE}/tasks", content=chunks, headers=headers)
    assert answer.status_code == 413


def test_nothing_may_run_frame_or_sniff_and_no_other_origin_is_invited(quiet: QuietRoom) -> None:
    for path in ("/", f"{BASE}/summary", "/nowhere", "/healthz"):
        answer = quiet.client.get(path, headers={"Origin": "http://evil.example"})
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    preflight = quiet.client.options(
        f"{BASE}/tasks",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert not preflight.is_success


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/%2e%2e/%2e%2e/pyproject.toml", "/assets/..%2f..%2fapp.py", "/.env"],
)
def test_no_path_leads_out_of_the_dashboard(quiet: QuietRoom, path: str) -> None:
    answer = quiet.client.get(path)
    assert "fleetbus" not in answer.text or answer.headers["content-type"] != "text/plain"
    assert "import" not in answer.text


def test_what_is_not_json_or_misspelt_is_told_with_its_place(quiet: QuietRoom) -> None:
    headers = quiet.bearer("operate") | JSON
    broken = post(quiet, headers, body=b'{"name": ')
    assert broken.status_code == 400
    assert broken.headers["content-type"] == "application/problem+json"
    misspelt = post(quiet, headers, body=_json(name="n", mode="m", priorty="high"))
    assert misspelt.status_code == 422
    assert [fault["path"] for fault in misspelt.json()["errors"]] == ["body.priorty"]
    wrong = post(quiet, headers, body=_json(name="n", mode="m", priority="urgent"))
    assert wrong.json()["errors"][0]["path"] == "body.priority"
    assert wrong.json()["errors"][0]["value"] == "urgent"
    assert "critical" in wrong.json()["errors"][0]["expected"]


def _from(origin: str | None, site: str | None) -> dict[str, str]:
    said = {"Origin": origin, "Sec-Fetch-Site": site}
    return {name: value for name, value in said.items() if value is not None}


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "return"])
@pytest.mark.parametrize("said", [{"for_s": 60}, {"forever": True}])
def test_what_is_done_once_has_no_duration(
    quiet: QuietRoom, verb: str, said: dict[str, object]
) -> None:
    body = _json(verb=verb, reason="because", **said)
    answer = post(quiet, quiet.bearer("operate") | JSON, "/agents/Main/actions", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == f"body.{next(iter(said))}"
    assert "cordon, drain, maintenance" in answer.json()["errors"][0]["expected"]


def test_many_tasks_that_nobody_takes_are_refused_as_one_would_be(quiet: QuietRoom) -> None:
    body = _json(tasks=[{"name": "n", "mode": "m"}] * 3)
    answer = post(quiet, quiet.bearer("operate") | JSON, "/tasks/bulk", body)
    assert (answer.status_code, answer.json()["code"]) == (503, "bus_unreachable")
