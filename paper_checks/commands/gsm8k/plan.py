"""What a command asks for, checked before anything is loaded."""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulate.runtime.outputs import has_keys, require_ours

if TYPE_CHECKING:
    from simulate.gsm8k.problems import Problem, Prompting, Role, Truncation


class Asked(NamedTuple):
    """The options, as they are given."""

    model: str
    revision: str | None
    role: "Role | None"
    layer: int | None
    fraction: float | None
    shots: tuple[int, ...] | None
    problems: Path | None
    examples: Path | None
    limit: int | None
    seed: int
    max_new_tokens: int
    batch_size: int
    stop: tuple[str, ...]
    dtype: str
    device: str
    against: Path | None
    numbers: Path | None
    out: Path


class Plan(NamedTuple):
    """What a command asks for, checked as far as possible without the model."""

    shots: list[int]
    problems: "list[Problem]"
    examples: "list[Problem]"
    prompting: "Prompting"
    truncation: "Truncation | None"
    configuration: dict[str, Any]
    earlier: dict[str, Any] | None
    baseline: dict[str, Any] | None


def model_folder(out: Path) -> Path:
    """Where the model is saved whose results are in `out`."""
    return out.with_suffix(".model")


def checked(options: Asked) -> Plan:
    """The plan of a command; ValueError or TypeError for options that cannot be used."""
    from simulate.gsm8k import problems as gsm8k
    from simulate.gsm8k.results import code_hash

    check_file("out", options.out)
    stop = (*gsm8k.STOP, *options.stop)
    prompting = gsm8k.Prompting(options.seed, options.max_new_tokens, options.batch_size, stop)
    problems = gsm8k.read_problems(options.problems or gsm8k.OWN, "problems")
    if options.limit is not None:
        if not 1 <= options.limit <= len(problems):
            raise ValueError(f"limit must be 1 to {len(problems)}, the number of problems, got {options.limit}")
        problems = problems[: options.limit]
    pool = gsm8k.read_problems(options.examples or gsm8k.OWN, "examples")
    examples = gsm8k.worked_examples(pool, problems, prompting.seed)
    shots = _checked_shots(list(options.shots or gsm8k.SHOTS), len(examples))
    truncation = _truncation(options)
    _check_numbers(options, truncation)
    configuration = {
        "code": code_hash(),
        "truncation": truncation and truncation._asdict(),
        "dtype": options.dtype,
        **asdict(prompting),
        "problems": len(problems),
        "problems_sha256": gsm8k.fingerprint(problems),
        "examples_sha256": gsm8k.fingerprint(examples),
        "versions": {name: version(name) for name in ("lm_eval", "transformers", "torch")},
    }
    earlier = _earlier(options.out, configuration)
    baseline = None if options.against is None else _baseline(options.against, configuration, shots)
    return Plan(shots, problems, examples, prompting, truncation, configuration, earlier, baseline)


def _earlier(out: Path, configuration: dict[str, Any]) -> dict[str, Any] | None:
    """The results that are to be continued, if there are any."""
    from simulate.gsm8k.results import read_results, require_same

    folder = model_folder(out)
    if not out.exists():
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise ValueError(f"{folder} must not be there without {out.name}, whose model it is to hold; remove it")
        return None
    found = read_results(out)
    require_same(out, found, configuration)
    return found


def _baseline(path: Path, configuration: dict[str, Any], shots: list[int]) -> dict[str, Any]:
    """The results to compare with: alike in all but the truncation, with the same numbers of shots."""
    from simulate.gsm8k.results import read_results, require_same

    found = read_results(path)
    require_same(path, found, {name: value for name, value in configuration.items() if name != "truncation"})
    lacking = [str(count) for count in shots if str(count) not in found["shots"]]
    if lacking:
        raise ValueError(f"{path.name} must have the same shots, it lacks {' '.join(lacking)}")
    return found


def check_file(name: str, path: Path) -> None:
    """ValueError unless this can be a file of JSON."""
    if path.suffix != ".json":
        raise ValueError(f"{name} must end in .json, got {str(path)!r}")
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"{name} must be a file in a folder that exists, got {str(path)!r}")


def _check_numbers(options: Asked, truncation: "Truncation | None") -> None:
    if options.numbers is None:
        return
    if options.against is None or truncation is None:
        raise ValueError("numbers must be of a truncated model against the whole one, give role, layer and against")
    check_file("numbers", options.numbers)
    if options.numbers.resolve() in (options.against.resolve(), options.out.resolve()):
        raise ValueError(f"numbers must be another file than out and against, got {str(options.numbers)!r}")
    is_figure = has_keys("model", "model_files", "asked", "questions_sha256")
    require_ours(options.numbers, "the numbers of two results", is_figure)


def _checked_shots(shots: list[int], available: int) -> list[int]:
    if len(set(shots)) < len(shots) or min(shots) < 1 or max(shots) > available:
        raise ValueError(f"shots must be different numbers from 1 to {available}, the worked examples, got {shots}")
    return shots


def _truncation(options: Asked) -> "Truncation | None":
    from simulate.gsm8k.problems import Truncation

    role, layer, fraction = options.role, options.layer, options.fraction
    if role is None and layer is None and fraction is None:
        return None
    if role is None or layer is None or fraction is None:
        given = (role, layer, fraction)
        raise ValueError(f"role, layer and fraction must be given together or not at all, got {given}")
    truncation = Truncation(role, layer, fraction)
    choice(truncation)
    return truncation


def choice(truncation: "Truncation") -> Any:
    """The truncation as LASER names it."""
    from simulate.laser.reduction import Choice

    return Choice(truncation.role, truncation.layer, fraction=truncation.fraction)
