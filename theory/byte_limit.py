"""Requests for more bytes than the machine has are refused before any work."""

_SMALL = 2**20
"""Bytes that are not worth asking the system for."""


def available_bytes() -> int:
    """Bytes of main memory that this process can have without swapping (page cache that can be dropped included)."""
    import psutil

    free = int(psutil.virtual_memory().available)
    if not hasattr(psutil, "RLIMIT_AS"):  # not on every system
        return free
    process = psutil.Process()
    limit = process.rlimit(psutil.RLIMIT_AS)[0]
    return free if limit == psutil.RLIM_INFINITY else max(0, min(free, limit - process.memory_info().vms))


def require_bytes(what: str, needed: int, remedy: str) -> None:
    """ValueError if `needed` bytes are not available; `what` names the argument and its value, `remedy` what to do."""
    if needed > _SMALL:
        require_within(what, needed, available_bytes(), remedy)


def require_within(what: str, needed: int, available: int, remedy: str) -> None:
    """The same for bytes that are known to be available, of whatever memory."""
    if needed > available:
        raise ValueError(f"{what} take {needed} bytes and {available} are available; {remedy}")
