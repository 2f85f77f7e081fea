"""Does theory agree with what happens? Claims, the comparator that judges them, the ledger that keeps the evidence."""

from typing import TYPE_CHECKING

__version__: str

if not TYPE_CHECKING:  # a type checker would take every name that is not there for one that is

    def __getattr__(name):
        """The version of the installed distribution, read when it is asked for."""
        if name == "__version__":
            from importlib.metadata import version

            return version("distributional-associations-verified")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
