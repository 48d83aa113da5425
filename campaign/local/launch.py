"""Become another program, one that dies with the process that asked for it.

    python -I -S launch.py PARENT SIGNAL ACCOUNT PROGRAM [ARGUMENT …]

A program of its own and not a hook between fork and exec, because a user namespace can only be
entered by a process with one thread, and because Linux forgets the death signal on every change of
credentials. Standard library only: it costs about 15 ms and no memory, since it is replaced.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

SAME = "same"
"""The account of the caller."""

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CLONE_NEWUSER = 0x10000000
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def bound(command: Sequence[str], death_signal: signal.Signals, account: str = SAME) -> list[str]:
    """Return the command line that runs `command` and sends it `death_signal` when we die.

    "We" is the *thread* that starts it (prctl(2), PR_SET_PDEATHSIG): start it from a thread that
    lives as long as the process. `account` is SAME, `mapped(uid, gid)` or `switched(uid, gid)`.
    """
    python = [sys.executable, "-I", "-S", __file__]
    return [*python, str(os.getpid()), str(int(death_signal)), account, *command]


def mapped(uid: int, gid: int) -> str:
    """The account `uid` inside a user namespace; outside, files still belong to the caller."""
    return f"mapped:{uid}:{gid}"


def switched(uid: int, gid: int) -> str:
    """The account `uid` itself, which only root can become; it keeps root's way through folders."""
    return f"switched:{uid}:{gid}"


def main(arguments: Sequence[str]) -> None:
    """Change the account, tie our life to PARENT's, and become PROGRAM."""
    parent, death_signal, account, *command = arguments
    for signum in (signal.SIGINT, signal.SIGPIPE):  # Python's own settings would be inherited
        signal.signal(signum, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    _change_account(libc, account)
    _check(libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0))
    if os.getppid() != int(parent):  # it died before the line above could tell us
        sys.exit(1)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _change_account(libc: ctypes.CDLL, account: str) -> None:
    kind, *numbers = account.split(":")
    if kind == "mapped":
        _enter_user_namespace(libc, *map(int, numbers))
    elif kind == "switched":
        _switch(libc, *map(int, numbers))


def _enter_user_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _check(libc.unshare(_CLONE_NEWUSER))
    for name, line in (
        ("setgroups", "deny"),  # user_namespaces(7): must come before gid_map
        ("gid_map", f"{gid} {outer_gid} 1"),
        ("uid_map", f"{uid} {outer_uid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)


def _switch(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Become `uid`, keeping the one capability without which root's folders cannot be entered."""
    _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    kept = 1 << _CAP_DAC_OVERRIDE
    sets = (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)  # effective, permitted, inherited
    if libc.capset(header, sets) == 0:  # a container may have taken it away; then go without
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv[1:])
