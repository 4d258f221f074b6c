"""Who is signed in stays that over a restart, and no longer than the token it rests on."""

import time
from pathlib import Path

from starlette.testclient import TestClient

from coordinator.http.auth.sessions import COOKIE, SESSIONS_FILE
from tests.support.quiet_room import HERE, QuietRoom, quiet_room

BASE = "/api/orchestrator"


def sign_in(quiet: QuietRoom, token: str) -> int:
    answer = quiet.client.post(f"{BASE}/session", json={"token": token})
    return int(answer.status_code)


def status(client: TestClient) -> int:
    return int(client.get(f"{BASE}/summary").status_code)


def test_a_browser_stays_signed_in_when_the_control_room_starts_anew(tmp_path: Path) -> None:
    first = quiet_room(tmp_path)
    assert sign_in(first, first.secrets["read"]) == 200
    cookie = first.client.cookies[COOKIE]
    assert cookie not in (tmp_path / SESSIONS_FILE).read_text()
    assert (tmp_path / SESSIONS_FILE).stat().st_mode & 0o077 == 0
    again = quiet_room(tmp_path)
    again.client.cookies.set(COOKIE, cookie)
    assert status(again.client) == 200
    again.client.delete(f"{BASE}/session", headers={"Origin": HERE})
    third = quiet_room(tmp_path)
    third.client.cookies.set(COOKIE, cookie)
    assert status(third.client) == 401


def test_a_file_of_sessions_that_cannot_be_read_signs_everybody_out(tmp_path: Path) -> None:
    for text in ("not json", "[]", '{"a": {"name": 1}}', '{"a": null}'):
        (tmp_path / SESSIONS_FILE).write_text(text)
        quiet = quiet_room(tmp_path)
        quiet.client.cookies.set(COOKIE, "anything")
        assert status(quiet.client) == 401
        quiet.client.cookies.clear()
        assert sign_in(quiet, quiet.secrets["read"]) == 200


def test_a_token_that_is_over_opens_nothing_and_its_sessions_end_with_it(tmp_path: Path) -> None:
    quiet, now_ms = quiet_room(tmp_path), int(time.time() * 1000)
    _, over = quiet.room.tokens.create("over", "read", now_ms, now_ms - 1)
    answer = quiet.client.get(f"{BASE}/summary", headers={"Authorization": f"Bearer {over}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert sign_in(quiet, over) == 401
    _, brief = quiet.room.tokens.create("brief", "read", now_ms, now_ms + 3_600_000)
    assert sign_in(quiet, brief) == 200
    cookie = quiet.client.cookies[COOKIE]
    assert quiet.room.sessions.find(cookie, now_ms + 3_599_000) is not None
    assert quiet.room.sessions.find(cookie, now_ms + 3_600_000) is None
