"""The one comparator: every claim hands its numbers to it and gets back evidence.

A comparison with a standard error is designed before sampling (`design.Design`). One that could not have seen an error
of the size it promises fails as underpowered, however well the numbers agree.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.special import betaincinv

from .design import DESIGN, Design, divergence, exponents, needed_exponent
from .training_design import PILOT_SEED, TRAINING, Boundaries, Path, follow, median_interval, on_the_wrong_side

Side: TypeAlias = Literal["holds", "beyond", "counterexample"]
SIDES: tuple[Side, ...] = get_args(Side)
"""Which side of a claim's boundary a comparison speaks for: where it holds, beyond, or a counterexample."""
Relation: TypeAlias = Literal["", "=", "≈", "<", "≤", ">", "≥"]
"""How the number that was found is said to stand to the one that was expected: found = expected, found < expected, …;
"≈" to a tolerance or a standard error. Empty in records that do not say it."""
BEYOND: dict[int, Relation] = {+1: ">", -1: "<"}
"""Of a number above (+1) or below (-1) a threshold."""


@dataclass(frozen=True)
class Evidence:
    """One comparison (or one array of them), as the ledger stores it. Numbers are those of the worst comparison.

    `exact` is what is expected, an exact value or a threshold, and `estimate` what was found, however exactly.
    """

    name: str
    kind: str
    side: Side
    passed: bool
    message: str
    exact: float | None = None
    estimate: float | None = None
    standard_error: float | None = None
    z: float | None = None
    tolerance: float | None = None
    detectable: float | None = None  # smallest detectable relative error; none where the exact value is 0
    used: float | None = None  # of the way to the alarm, 1 at the alarm; None without a tolerance or if not finite
    comparisons: int = 0  # comparisons with a standard error, counted against the family
    numbers: int = 1  # numbers compared
    details: dict[str, Any] = field(default_factory=dict)  # samples, seed, device, seconds, ...
    # exact, estimate, standard error, z, detectable of each number of a Monte Carlo comparison
    rows: list[list[float | None]] = field(default_factory=list)
    relation: Relation = ""

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {SIDES}, got {self.side!r}")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def _float(value: Any) -> float | None:
    """A float for the record; None where there is none (infinite or undefined)."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _same_shape(name: str, left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(left), np.asarray(right)
    if first.shape != second.shape or first.size == 0:
        raise ValueError(f"{name}: shapes {first.shape} and {second.shape} must agree and hold at least one number")
    return first, second


def equal(name: str, exact: Any, value: Any, side: Side = "holds") -> Evidence:
    """Equality of exact numbers or object arrays of them (no tolerance)."""
    left, right = _same_shape(name, exact, value)
    if left.dtype.kind == "f" or right.dtype.kind == "f":
        raise TypeError(f"{name}: equality is for exact numbers; compare floats with a stated tolerance")
    wrong = np.flatnonzero([bool(a != b) for a, b in zip(left.ravel(), right.ravel(), strict=True)])
    at = int(wrong[0]) if wrong.size else 0
    a, b = left.ravel()[at], right.ravel()[at]
    message = f"{left.size} exact values, {wrong.size} differ" + (f"; first: {a} against {b}" if wrong.size else "")
    return Evidence(name, "exact", side, not wrong.size, message, _float(a), _float(b), numbers=left.size, relation="=")


def close(
    name: str, exact: Any, value: Any, tolerance: float, because: str, side: Side = "holds", scale: float | None = None
) -> Evidence:
    """|value - exact| <= tolerance · |exact| entrywise (or tolerance · scale), with the reason for the tolerance.

    The reason is a rounding analysis, an order of approximation or the error of a fit, never a standard error.
    """
    left, right = (np.asarray(array, dtype=np.float64) for array in _same_shape(name, exact, value))
    finite = bool(np.isfinite(left).all() and np.isfinite(right).all())
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(left == right, 0.0, np.abs(right - left) / (np.abs(left) if scale is None else scale)).ravel()
    worst = int(np.argmax(error)) if finite else 0
    passed = finite and bool(error[worst] <= tolerance)
    kind = "relative" if scale is None else f"per {scale:.3g}"
    message = f"largest error {error[worst]:.3g} ({kind}) of {left.size}, tolerance {tolerance:.3g} ({because})"
    message += "" if finite else "; not finite"
    used = _float(error[worst] / tolerance) if tolerance else None
    return Evidence(name, "close", side, passed, message, _float(left.flat[worst]), _float(right.flat[worst]),
                    tolerance=tolerance, used=used, numbers=left.size, relation="≈",
                    details={} if scale is None else {"scale": _float(scale)})  # fmt: skip


def less(name: str, found: Any, bound: Any, side: Side = "holds", strict: bool = True) -> Evidence:
    """found < bound (or <=, if not strict), entrywise, between exact or exactly rounded numbers."""
    return _inequality(name, found, bound, "<" if strict else "≤", side)


def greater(name: str, found: Any, bound: Any, side: Side = "holds", strict: bool = True) -> Evidence:
    """found > bound (or >=, if not strict), otherwise as `less`."""
    return _inequality(name, found, bound, ">" if strict else "≥", side)


def _inequality(name: str, found: Any, bound: Any, relation: Relation, side: Side) -> Evidence:
    left, right = (array.ravel() for array in np.broadcast_arrays(np.asarray(found), np.asarray(bound)))
    gaps = [(b - a if relation in "<≤" else a - b) for a, b in zip(left, right, strict=True)]
    if not gaps:
        raise ValueError(f"{name}: nothing to compare")
    worst = min(range(len(gaps)), key=lambda i: gaps[i])
    a, b = left[worst], right[worst]
    passed = all(bool(gap > 0 if relation in "<>" else gap >= 0) for gap in gaps)
    message = f"{len(gaps)} inequalities; tightest {float(a):.6g} {relation} {float(b):.6g}"
    return Evidence(name, "inequality", side, passed, message, _float(b), _float(a), numbers=len(gaps),
                    relation=relation)  # fmt: skip


def estimate(
    name: str,
    exact: Any,
    value: Any,
    standard_error: Any,
    error: float | None,
    side: Side = "holds",
    degrees: float = math.inf,
    planned_error: Any = None,
    design: Design = DESIGN,
    **details: Any,
) -> Evidence:
    """Monte Carlo estimates against exact values, entrywise; fails on disagreement and on lack of power.

    A relative `error` (None: no power demanded, as for exact zeros) must be detectable for every non-zero exact value.
    Power is a property of the design: it is judged by `planned_error`, the standard errors that the sample size was
    derived from (by default the estimated ones). A standard error of 0 demands equality to the rounding of the sums
    (1e-12 of the value).
    """
    left, right = (np.asarray(array, dtype=np.float64).ravel() for array in _same_shape(name, exact, value))
    spread = np.broadcast_to(np.asarray(standard_error, dtype=np.float64), np.shape(exact)).ravel()
    planned = spread if planned_error is None else np.broadcast_to(planned_error, np.shape(exact)).ravel()
    finite = bool(np.isfinite(left).all() and np.isfinite(right).all() and np.isfinite(spread).all())
    difference, rounding, critical = right - left, 1e-12 * np.abs(left), design.critical(degrees)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(np.abs(difference) <= rounding, 0.0, difference / spread)
        z = np.where(np.isnan(z), np.inf, z)  # a value that is not a number never passes
        detectable = np.where(left != 0, design.detectable(degrees) * spread / np.abs(left), np.nan)
        promised = np.where(left != 0, design.detectable(degrees) * planned / np.abs(left), 0.0)
    worst = int(np.argmax(np.abs(z)))
    largest = float(np.nanmax(detectable)) if np.isfinite(detectable).any() else None
    agrees = finite and bool((np.abs(z) <= critical).all())
    powered = error is None or bool((promised <= error).all())
    message = f"{left.size} estimates, worst {z[worst]:+.2f} standard errors off (alarm beyond {critical:.2f})"
    if not powered:
        message += f"; underpowered: designed to detect {promised.max():.3g}, {error:.3g} promised"
    table = [[_float(x) for x in row] for row in zip(left, right, spread, z, detectable, strict=True)]
    worst_row = dict(zip(("exact", "estimate", "standard_error", "z"), table[worst][:4], strict=True))
    used = _float(abs(z[worst]) / critical)
    if largest is None:  # exact zeros have no relative error
        details = {"detectable_error": _float(design.detectable(degrees) * spread.max())} | details
    return Evidence(name, "estimate", side, agrees and powered, message, tolerance=error, detectable=largest,
                    used=used, comparisons=left.size, numbers=left.size, details=details, rows=table, relation="≈",
                    **worst_row)  # fmt: skip


def sign(
    name: str, expected: int, value: Any, standard_error: Any, side: Side = "holds", degrees: float = math.inf,
    design: Design = DESIGN, **details: Any,
) -> Evidence:  # fmt: skip
    """The sign (+1 or -1) of estimated numbers, each at the run's false-alarm level."""
    numbers, spread = (
        np.asarray(array, dtype=np.float64).ravel() for array in _same_shape(name, value, standard_error)
    )
    if not (spread > 0).all():
        raise ValueError(f"{name}: a sign needs positive standard errors, got {spread.min()}")
    z = expected * numbers / spread
    worst = int(np.argmin(z))
    critical = design.critical(degrees)
    wanted = "positive" if expected > 0 else "negative"
    message = f"{z.size} {wanted} signs, weakest at {z[worst]:.2f} standard errors (needs {critical:.2f})"
    used = _float(critical / z[worst]) if z[worst] > 0 else None
    return Evidence(name, "sign", side, bool((z > critical).all()), message, 0.0, _float(numbers[worst]),
                    _float(spread[worst]), _float(expected * z[worst]), used=used, comparisons=z.size,
                    numbers=z.size, details=details, relation=BEYOND[expected])  # fmt: skip


def rate(
    name: str,
    threshold: float,
    expected: int,
    rates: Any,
    most: int | None = None,
    side: Side = "holds",
    design: Design = DESIGN,
    **details: Any,
) -> Evidence:
    """The mean of independent values in [0, 1] lies above (+1) or below (-1) `threshold`, whatever their distribution.

    Hoeffding's bound: a mean of R such values with expectation at most μ reaches x > μ with probability at most
    exp(-R KL(x‖μ)), KL the divergence of Bernoulli laws. No normal approximation, so few replicates are safe. With
    `most`, values were looked at one by one, so many at most, until they told: the bound is Ville's (`design`), and the
    mean lies on average farther from the threshold than what is expected of a value; mean ± error is no interval.
    """
    values = np.asarray(rates, dtype=np.float64)
    if values.size < 2 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{name}: rates must be at least two numbers in [0, 1]")
    if most is not None and values.size > most:
        raise ValueError(f"{name}: rates must be at most {most} numbers, got {values.size}")
    mean, level = float(values.mean()), design.false_alarm / design.family
    if most is None:
        exponent = values.size * divergence(mean, threshold) if expected * (mean - threshold) > 0 else 0.0
    else:
        exponent = max(0.0, float(exponents(values, threshold, expected, most, design).max()))
    passed = exponent >= needed_exponent(design)
    number = f"{values.size}" if most is None else f"{values.size} when told (at most {most})"
    known = details if most is None else {"most": most} | details
    message = f"mean {mean:.4f} of {number}, false-alarm bound {math.exp(-exponent):.1e} (needs {level:.1e})"
    error = float(values.std(ddof=1)) / values.size**0.5
    used = _float(needed_exponent(design) / exponent) if exponent else None
    if most is not None and passed:
        used = values.size / most
    return Evidence(name, "rate", side, passed, message, threshold, mean, error, used=used,
                    comparisons=1, numbers=values.size, details=known, relation=BEYOND[expected])  # fmt: skip


def replicated(
    name: str,
    threshold: float,
    expected: int,
    values: Any,
    boundaries: Boundaries | None = None,
    side: Side = "holds",
    pilot: Any = None,
    **details: Any,
) -> Evidence:
    """The numbers of most trainings lie above (+1) or below (-1) `threshold`: see `training_design`.

    Args:
        values: the numbers of all trainings that there are, one per training; or a function that returns those of the
            first n seeds, of which as many are asked for as the boundaries want.
        boundaries: when to look and how many seeds may be on the wrong side; by default those of the design.
        pilot: numbers of the pilot trainings that the threshold comes from, for the evidence.

    The evidence has the median with its interval; `detectable` is the shift of the median, relative to the pilot's,
    that brings it to the threshold, which passes with probability at most the design's miss. `used` is the larger of
    two shares: of seeds on the wrong side, at any look, over those with which the statement has failed; and of the way
    from the pilot's median to the threshold that the median went.
    """
    if callable(values):
        limits = boundaries or TRAINING.boundaries()
        path = follow(values, threshold, expected, limits)
    else:
        limits = boundaries or TRAINING.of_all(np.size(values))
        path = follow(lambda count: values, threshold, expected, limits)
    numbers, (seeds, wrong, allowed) = path.values, path.looks[-1]
    limit = float(betaincinv(seeds - wrong, wrong + 1, 0.05)) if seeds > wrong else 0.0
    ranked = on_the_wrong_side(numbers, expected)
    low, high, coverage = median_interval(ranked)
    where = f"{'above' if expected > 0 else 'below'} {threshold:.4g}"
    message = f"{seeds - wrong} of {seeds} seeds {where}"
    message += f" (at most {max(allowed, 0)} others allowed; by chance {limits.chance:.2g}); share of seeds at least "
    message += f"{limit:.2f}; median {np.median(ranked):.4g} in [{low:.4g}, {high:.4g}]; "
    message += ", ".join(f"{number:.3g}" for number in numbers)
    known = {"holds": seeds - wrong, "needed": seeds - allowed, "chance": limits.chance, "lower_limit": limit,
             "interval": [_float(low), _float(high), coverage], "looks": path.looks,
             "boundaries": {key: list(x) if isinstance(x, tuple) else x for key, x in limits._asdict().items()},
             "values": [_float(number) for number in numbers]}  # fmt: skip
    median, detectable, way = float(np.median(ranked)), None, _way_to_failing(path, limits)
    if pilot is not None:
        middle = float(np.median(on_the_wrong_side(pilot, expected)))
        known["pilot"] = {"seed": PILOT_SEED, "median": _float(middle), "values": [_float(one) for one in pilot]}
        detectable = _float(abs(middle - threshold) / abs(middle)) if middle and math.isfinite(middle) else None
        if expected * (middle - threshold) > 0 and math.isfinite(median):
            way = max(way, 1 - (median - threshold) / (middle - threshold))
    return Evidence(name, "replicated", side, path.stands, message, threshold, _float(median), used=_float(way),
                    detectable=detectable, numbers=seeds, details=known | details,
                    relation=BEYOND[expected])  # fmt: skip


def _way_to_failing(path: Path, boundaries: Boundaries) -> float:
    """Seeds on the wrong side over those with which the statement has failed, at the look where that is largest."""
    looked = zip(path.looks, boundaries.failing, strict=False)
    return max(wrong / failing for (_, wrong, _), failing in looked)
