"""Writes constraints/oldest.txt and constraints/newest.txt: the oldest versions of what pyproject.toml names that
resolve together, with the newest of what these need, and the newest of all; as wheels, on Linux, by Python.

    pip install uv && python .ci/constraints.py

CUDA's packages, which torch pins itself, are left out.
"""

import subprocess
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
OPTIONS = ("--quiet", "--python-platform=x86_64-manylinux_2_28", "--only-binary=:all:", "--no-annotate", "--no-header")
EXTRAS = ("language", "report", "cluster")
LEFT_OUT = ("nvidia", "cuda", "triton")
ROOT = Path(__file__).parents[1]


def resolved(which: str, python: str) -> dict[str, str]:
    """Versions by package."""
    extras = [f"--extra={extra}" for extra in EXTRAS]
    command = ["uv", "pip", "compile", *OPTIONS, f"--resolution={RESOLUTIONS[which]}", f"--python-version={python}"]
    done = subprocess.run(
        [*command, *extras, "pyproject.toml"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    lines = [line.split("==") for line in done.stdout.splitlines() if "==" in line and not line.startswith(LEFT_OUT)]
    return {name: version.split()[0] for name, version in lines}


def lines_of(found: dict[str, dict[str, str]]) -> list[str]:
    """A line for each package, or one for each Python where versions differ."""
    lines = []
    for name in sorted({name for versions in found.values() for name in versions}):
        versions = {python: one.get(name) for python, one in found.items()}
        if len(set(versions.values())) == 1:
            lines.append(f"{name}=={versions[PYTHONS[0]]}")
            continue
        lines += [f'{name}=={one}; python_version == "{python}"' for python, one in versions.items() if one]
    return lines


def main() -> None:
    """Write both."""
    for which in RESOLUTIONS:
        head = [
            f"# The {which} versions that resolve together as wheels on Python {PYTHONS[0]} to {PYTHONS[-1]},",
            "# written by `python .ci/constraints.py`; for:",
            f"#     pip install -e '.[{','.join(EXTRAS)}]' -c constraints/{which}.txt",
        ]
        lines = lines_of({python: resolved(which, python) for python in PYTHONS})
        (ROOT / "constraints" / f"{which}.txt").write_text("\n".join([*head, *lines]) + "\n")


if __name__ == "__main__":
    main()
