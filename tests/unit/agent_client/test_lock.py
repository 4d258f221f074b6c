"""Who may be an agent: one process per name and state directory."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent_client import AlreadyRunning, BadSetting
from agent_client.state.lock import InstanceLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and pass_fds")


def test_a_second_holder_is_refused_with_the_process_id_of_the_first(tmp_path: Path) -> None:
    InstanceLock(tmp_path / "bot.lock", "bot")
    with pytest.raises(AlreadyRunning, match=rf"'bot' runs already.*process {os.getpid()} holds"):
        InstanceLock(tmp_path / "bot.lock", "bot")


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    InstanceLock(tmp_path / "bot.lock", "bot").release()
    InstanceLock(tmp_path / "bot.lock", "bot").release()


def test_who_was_forked_from_an_agent_does_not_hold_its_name_after_it(tmp_path: Path) -> None:
    path = tmp_path / "bot.lock"
    lock = InstanceLock(path, "bot")
    copy = os.dup(lock.file)
    lock.release()
    InstanceLock(path, "bot", within_s=0).release()
    os.close(copy)


def test_a_lock_without_a_number_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "bot.lock"
    holder = InstanceLock(path, "bot")
    os.ftruncate(holder.file, 0)
    with pytest.raises(AlreadyRunning, match="a process that is just starting"):
        InstanceLock(path, "bot", within_s=0)


def test_a_full_disk_costs_the_number_and_not_the_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_space)
        lock = InstanceLock(tmp_path / "bot.lock", "bot")
    with pytest.raises(AlreadyRunning):
        InstanceLock(tmp_path / "bot.lock", "bot", within_s=0)
    lock.release()


def no_space(_file: int, _text: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_agents_of_other_names_do_not_mind(tmp_path: Path) -> None:
    InstanceLock(tmp_path / "a.lock", "a")
    InstanceLock(tmp_path / "b.lock", "b")


def test_the_directory_is_made(tmp_path: Path) -> None:
    InstanceLock(tmp_path / "deep" / "er" / "bot.lock", "bot").release()


def test_a_place_where_no_directory_can_be_is_a_bad_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match=r"state_dir.*a directory in which the agent can write"):
        InstanceLock(tmp_path / "file" / "bot.lock", "bot")


LEAVES_A_GUARD = """
import subprocess, sys
from pathlib import Path
from agent_client.state.lock import InstanceLock
lock = InstanceLock(Path(sys.argv[1]), "bot")
guard = subprocess.Popen(["sh", "-c", sys.argv[2]], pass_fds=[lock.file],
                         stdin=sys.stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(guard.pid, flush=True)
"""


def leave_a_guard(path: Path, command: str, stdin: int) -> None:
    """Let a process take the lock, start *command* as a guard would be, and die."""
    subprocess.run(
        [sys.executable, "-c", LEAVES_A_GUARD, path, command],
        check=True,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
    )


def test_it_stays_taken_until_the_guards_of_a_dead_holder_have_ended(tmp_path: Path) -> None:
    path = tmp_path / "bot.lock"
    read, write = os.pipe()
    leave_a_guard(path, "read line", read)
    os.close(read)
    with pytest.raises(AlreadyRunning, match="something that it started still does"):
        InstanceLock(path, "bot", within_s=0.2)
    os.close(write)
    InstanceLock(path, "bot").release()
