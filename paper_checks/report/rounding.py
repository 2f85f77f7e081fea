"""Numbers in few digits, as people read them: an interval in few digits holds the interval."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rounded(value: float, digits: int, toward: int = 0) -> str:
    """A number in so many significant digits: the nearest, or (-1) none above it, or (+1) none below it."""
    if not value or not toward:
        return f"{value + 0.0:.{digits}g}"  # no -0
    exact = Decimal(repr(float(value)))
    unit = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return f"{float(exact.quantize(unit, ROUND_FLOOR if toward < 0 else ROUND_CEILING)):.{digits}g}"


def power(value: float) -> str:
    """A positive number in one digit and a power of ten: "10⁻⁶", "5·10⁻¹⁴"."""
    digit, _, exponent = f"{value:.0e}".partition("e")
    raised = f"10{str(int(exponent)).translate(_RAISED)}"
    return raised if digit == "1" else f"{digit}·{raised}"


def interval(low: float | None, high: float | None, digits: int) -> str:
    """[low, high], rounded outward; an end that is not finite is "–"."""
    ends = ("–" if end is None else rounded(end, digits, side) for end, side in ((low, -1), (high, +1)))
    return f"[{', '.join(ends)}]"
