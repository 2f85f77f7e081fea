"""Names and numbers of benchmarks as people read them."""

SCALES = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def plain_name(test: str) -> str:
    """The name of a benchmark from that of its test, "test_literal_sample[x]": without "test_", with spaces."""
    return test.removeprefix("test_").replace("_", " ")


def short_number(value: float) -> str:
    """Three digits, in thousands, millions or billions: "431 million"."""
    scale, word = next(((scale, word) for scale, word in SCALES if value >= scale), (1.0, ""))
    return f"{digits(value / scale)} {word}".rstrip()


def seconds(value: float) -> str:
    """A time in three digits with its unit: "1.73 s", "19.5 ms"."""
    scale, unit = next(((scale, unit) for scale, unit in UNITS if value >= scale), UNITS[-1])
    return f"{digits(value / scale)} {unit}"


def digits(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{float(f'{value:.3g}'):,.{max(0, 2 - _order(value))}f}"


def _order(value: float) -> int:
    """The power of ten of the first digit after rounding to three."""
    return int(f"{abs(value):.2e}".partition("e")[2])
