"""What is said of the processor on whose rounding numbers of trainings depend."""

import pytest

from paper_checks.jobs import code

X86 = [
    "processor\t: 0",
    "vendor_id\t: GenuineIntel",
    "model name\t: A, at 2.0 GHz",
    "flags\t\t: fpu avx avx2 fma",
    "power management:",
]
ARM = ["processor\t: 0", "BogoMIPS\t: 50.00", "Features\t: fp asimd sve aes", "CPU implementer\t: 0x41", ""]


@pytest.mark.parametrize(
    ("lines", "found"),
    [(X86, "x86_64 GenuineIntel avx2"), (["flags : avx avx512f avx2"], "x86_64 avx512f"), (ARM, "x86_64 sve"),
     ([], "x86_64")],
)  # fmt: skip
def test_maker_and_widest_vectors(monkeypatch, lines, found):
    monkeypatch.setattr(code, "_cpuinfo", lambda: lines)
    monkeypatch.setattr(code.platform, "machine", lambda: "x86_64")
    for name in code.CHOOSING:
        monkeypatch.delenv(name, raising=False)
    assert code.kind_of_processor() == found
    monkeypatch.setenv("MKL_CBWR", "AVX")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")  # trainings do not use it
    assert code.kind_of_processor() == f"{found} MKL_CBWR=AVX"
