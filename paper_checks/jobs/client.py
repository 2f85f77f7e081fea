"""dask's client, which is closed where it is used and not where it is thrown away."""

from distributed import Client


class _KeptClient(Client):
    """A client that could not connect is collected at some time, in whatever thread. dask's own then closes itself,
    which waits for a lock that every new client takes: if the thread holds it, no client connects any more."""

    def __del__(self) -> None:
        """Nothing: `close` is called where a client is given up."""


def connected(address: str, seconds: float) -> Client:
    """The client of the scheduler at an address, which must answer within so many seconds; it is to be closed.

    Raises:
        ValueError: no address.   OSError: nobody answers.
    """
    return _KeptClient(address, timeout=seconds, set_as_default=False)  # type: ignore[no-untyped-call]
