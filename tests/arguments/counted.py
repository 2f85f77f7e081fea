"""What the tests of this folder counted, for the record of a run with --trust-full --record-trust."""

from collections import Counter

COUNTED: Counter[str] = Counter()
WHAT = (
    "Bad and unusual arguments of public calls and of options: refused by name, or accepted with a result that is "
    "finite where the call's documentation does not say otherwise."
)
