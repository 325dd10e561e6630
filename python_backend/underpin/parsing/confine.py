"""What the child gives up before it reads a file: memory, time, writing, processes, the network, and outliving its parent."""

import contextlib
import ctypes
import os
import signal
import sys
import time

if sys.platform != "win32":
    import resource

_NICENESS = 10
_PR_SET_PDEATHSIG = 1
# Events of Python's audit hooks that no parser has a reason for. What PDFium does by itself is held by the limits alone.
_FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.remove", "os.rename",
    "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.kill", "shutil.", "urllib.",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def confine(memory_bytes: int, parent: int) -> None:
    """Call once, after all imports. Ends the process when the parent is gone already.

    On Windows only the refusals of Python's own calls hold; memory is not limited there, and macOS may ignore its limit.
    """
    sys.addaudithook(_refuse)
    if sys.platform != "win32":
        os.nice(_NICENESS)
        _lower(resource.RLIMIT_AS, memory_bytes)
        _lower(resource.RLIMIT_FSIZE, 0)
        _lower(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(0)


def allow_cpu(cpu_s: int) -> None:
    """From now on this much processor time, then the kernel ends the process."""
    if sys.platform != "win32":
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        wanted = int(time.process_time()) + 1 + cpu_s
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def peak_memory_bytes() -> int:
    """The most that the process ever had resident; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":
        # Not getrusage: what it tells begins with the size of the parent, which is no concern of the child.
        with open("/proc/self/status", "rb") as status:
            lines = [line.split() for line in status if line.startswith(b"VmHWM:")]
        return int(lines[0][1]) * 1024 if lines else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # in bytes there, elsewhere in KiB


if sys.platform != "win32":

    def _lower(kind: int, value: int) -> None:
        _, most = resource.getrlimit(kind)
        wanted = value if most == resource.RLIM_INFINITY else min(value, most)
        # macOS refuses some limits that Linux takes; the time limit of the parent holds there too.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (wanted, wanted))


def _refuse(event: str, args: tuple[object, ...]) -> None:
    if event.startswith(_FORBIDDEN) or (event == "open" and isinstance(args[2], int) and args[2] & _WRITING):
        raise PermissionError(f"A file that is read may not cause {event}.")
