"""What a benchmark notes besides its time, for the page: what it is held against, what it does per second."""


def at_most(benchmark, times, *, of, remark=""):
    """This benchmark should take at most `times` the time of the one of its group that is named `of`.

    `remark` stands beside the ratio on the page: what it means, or why it is not met.
    """
    benchmark.extra_info["target"] = {"kind": "at most", "times": times, "of": of, "remark": remark}


def at_least(benchmark, times, *, of, remark=""):
    """This benchmark should take at least `times` the time of the one of its group that is named `of`."""
    benchmark.extra_info["target"] = {"kind": "at least", "times": times, "of": of, "remark": remark}


def amount(benchmark, number, unit):
    """So many of `unit`, a plural, are done in one call: "tokens", say. Printed and shown per second."""
    benchmark.extra_info["amount"] = {"number": number, "unit": unit}
