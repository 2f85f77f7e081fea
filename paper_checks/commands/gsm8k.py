"""Few-shot chain of thought on word problems, with one weight matrix truncated to low rank (LASER; claim P6).

    paper-checks gsm8k --model microsoft/Phi-3-mini-4k-instruct --dtype bfloat16 --device auto \\
        --problems gsm8k_test.jsonl --out phi3.json
    paper-checks gsm8k --model microsoft/Phi-3-mini-4k-instruct --dtype bfloat16 --device auto \\
        --problems gsm8k_test.jsonl --role mlp_in --layer -1 --fraction 0.1 --against phi3.json --out phi3_laser.json

The truncated model is saved in Hugging Face form in the folder NAME.model beside NAME.json, where the
lm-evaluation-harness finds it; it may be deleted afterwards. Without role, layer and fraction the model stays as it is:
the baseline, which --against compares with problem by problem. After every number of shots the results are written; the
same command again does what is missing. The network is used for one thing, a model named by its hub name that is not in
the cache.

Accuracy is the share of answers whose number after "The answer is" (strict) or whose last number (flexible) is correct.

Exit status: 0; 2 with the reason on standard error; 130 on Ctrl-C, with the finished numbers of shots in the file.
Needs the extra `gsm8k`: pip install -e '.[gsm8k]'
"""

import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .groups import Command, Interrupted, Stopped, refuse
from .options import Integers

if TYPE_CHECKING:
    from simulate.gsm8k.harness import Answer
    from simulate.gsm8k.problems import Problem, Prompting, Truncation

# All else is imported when the command runs, so that Ctrl-C ends the seconds that it takes like the rest of the run.

EXTRA = ("accelerate", "datasets", "huggingface_hub", "lm_eval", "tokenizers", "transformers")
FILE = click.Path(path_type=Path)


class Asked(NamedTuple):
    """The options, as they are given."""

    model: str
    revision: str | None
    role: str | None
    layer: int | None
    fraction: float | None
    shots: tuple[int, ...] | None
    problems: Path | None
    examples: Path | None
    limit: int | None
    seed: int
    max_new_tokens: int
    batch_size: int
    dtype: str
    device: str
    against: Path | None
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


@click.command("gsm8k", cls=Command, help=__doc__)
@click.option("--model", required=True, metavar="NAME|FOLDER", help="hub name or folder: GPT-NeoX, Llama or Phi-3")
@click.option("--revision", help="branch, tag or commit of a hub name")
@click.option("--role", metavar="ROLE", help="matrices to truncate: mlp_in, mlp_out, attention_out, …")
@click.option("--layer", type=int, help="their layer, from 0, or from the end: -1 is the last")
@click.option("--fraction", type=float, help="of their full rank that is kept, 0 to 1")
@click.option("--shots", type=Integers(), help="numbers of worked examples (default: 1,2,4,8)")
@click.option("--problems", type=FILE, help="JSON lines with question and answer (default: ten of own wording)")
@click.option("--examples", type=FILE, help="worked examples, in the same form (default: ten of own wording)")
@click.option("--limit", type=int, help="only the first so many problems")
@click.option("--seed", type=int, default=1234, help="of the order of the worked examples")
@click.option("--max-new-tokens", type=int, default=256, help="of an answer")
@click.option("--batch-size", type=int, default=8, help="problems answered at once")
@click.option("--dtype", default="float32", help="float32, bfloat16 or float16")
@click.option("--device", default="cpu", help="cpu, cuda, cuda:<index> or auto")
@click.option("--against", type=FILE, help="results of the same problems and model, to compare with")
@click.option("--out", type=FILE, required=True, help="results, .json; continued if it is of the same configuration")
def command(**given: Any) -> int:
    options, finished = Asked(**given), list[int]()
    try:
        _run(options, finished)
    except KeyboardInterrupt:
        kept = f"{options.out} has shots {' '.join(map(str, sorted(finished)))}" if finished else "no results"
        raise Interrupted(f"interrupted; {kept}") from None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        raise Stopped(f"{error.name} is missing: pip install -e '.[gsm8k]'") from error
    except (TypeError, ValueError, OSError) as error:
        refuse(error)
    return 0


def _run(options: Asked, finished: list[int]) -> None:
    from simulate.runtime.device import resolve_device

    plan = _plan(options)
    device = str(resolve_device(options.device))
    from simulate.gsm8k.harness import harness_command  # before the work: is all there?

    results = _saved(options, plan)
    finished += map(int, results["shots"])
    missing = [shots for shots in plan.shots if shots not in finished]
    if missing:
        _ask_all(options, plan, results, device, missing, finished)
    for shots in plan.shots:
        _report(results, plan.baseline, shots)
    print("\nThe same model on the harness's own task, with its own worked examples (this needs the network):")
    print(harness_command(model_folder(options.out), plan.shots[0], plan.prompting, device, options.dtype))


def model_folder(out: Path) -> Path:
    """Where the model is saved whose results are in `out`."""
    return out.with_suffix(".model")


def _plan(options: Asked) -> Plan:
    from simulate.gsm8k import problems as gsm8k

    _check_out(options.out)
    prompting = gsm8k.Prompting(options.seed, options.max_new_tokens, options.batch_size)
    problems = gsm8k.read_problems(options.problems or gsm8k.OWN, "problems")
    if options.limit is not None:
        if not 1 <= options.limit <= len(problems):
            raise ValueError(f"limit must be 1 to {len(problems)}, the number of problems, got {options.limit}")
        problems = problems[: options.limit]
    pool = gsm8k.read_problems(options.examples or gsm8k.OWN, "examples")
    examples = gsm8k.worked_examples(pool, problems, prompting.seed)
    shots = _checked_shots(list(options.shots or gsm8k.SHOTS), len(examples))
    truncation = _truncation(options)
    configuration = {
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


def _check_out(out: Path) -> None:
    if out.suffix != ".json":
        raise ValueError(f"out must end in .json, got {str(out)!r}")
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(f"out must be a file in a folder that exists, got {str(out)!r}")


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
    _choice(truncation)
    return truncation


def _choice(truncation: "Truncation") -> Any:
    from simulate.laser.reduction import Choice

    return Choice(truncation.role, truncation.layer, fraction=truncation.fraction)


def _saved(options: Asked, plan: Plan) -> dict[str, Any]:
    """The results so far, with the model that they are about in its folder."""
    from simulate.gsm8k.results import require_same, write_results
    from simulate.language.models import load_language_model
    from simulate.language.saving import save_model
    from simulate.laser.reduction import truncated

    folder = model_folder(options.out)
    loaded = load_language_model(options.model, options.revision, dtype=options.dtype)
    configuration = {"weights_sha256": loaded.sha256, **plan.configuration}
    if plan.baseline is not None and options.against is not None:
        require_same(options.against, plan.baseline, {"weights_sha256": loaded.sha256})
    if plan.earlier is not None:
        require_same(options.out, plan.earlier, configuration)
        if folder.exists() and _digests(folder) != plan.earlier["model_files"]:
            raise ValueError(f"{folder} must be unchanged since {options.out.name} was begun, and is not; remove it")
        if folder.exists():
            return plan.earlier
    model = loaded.model if plan.truncation is None else truncated(loaded.model, _choice(plan.truncation))
    save_model(model, loaded.tokenizer, folder)
    name = Path(options.model).name if Path(options.model).is_dir() else options.model
    source = {"model": name, "revision": options.revision}
    shots = plan.earlier["shots"] if plan.earlier is not None else {}
    results = {"source": source, "configuration": configuration, "model_files": _digests(folder), "shots": shots}
    write_results(options.out, results)
    return results


def _digests(folder: Path) -> dict[str, str]:
    from simulate.language.weight_files import file_digests

    return file_digests(sorted(path for path in folder.iterdir() if path.is_file()))


def _ask_all(
    options: Asked,
    plan: Plan,
    results: dict[str, Any],
    device: str,
    missing: list[int],
    finished: list[int],
) -> None:
    """Ask with every missing number of shots, and write the results after each."""
    from time import perf_counter

    from simulate.gsm8k.harness import ask, check_room, load
    from simulate.gsm8k.results import write_results

    model = load(model_folder(options.out), device=device, dtype=options.dtype, prompting=plan.prompting)
    check_room(model, plan.problems, plan.examples[: max(missing)], plan.prompting)
    for shots in missing:
        print(f"{shots} of {plan.shots} shots, {len(plan.problems)} problems", file=sys.stderr)
        started = perf_counter()
        answers = ask(model, plan.problems, plan.examples[:shots], plan.prompting)
        results["shots"][str(shots)] = _record(answers, device, perf_counter() - started)
        write_results(options.out, results)
        finished.append(shots)


def _record(answers: "list[Answer]", device: str, seconds: float) -> dict[str, Any]:
    from datetime import UTC, datetime

    from simulate.gsm8k.answers import accuracy
    from simulate.gsm8k.results import READINGS

    shares = {name: accuracy([answer.correct[name] for answer in answers])._asdict() for name in READINGS}
    records = [answer.as_record() for answer in answers]
    today = datetime.now(UTC).date().isoformat()
    return {"accuracy": shares, "date": today, "device": device, "seconds": round(seconds, 3), "answers": records}


def _report(results: dict[str, Any], baseline: dict[str, Any] | None, shots: int) -> None:
    from simulate.gsm8k.results import accuracies, changes

    name = f"{shots} shot{'s' if shots > 1 else ''}"
    for reading, found in accuracies(results, shots).items():
        line = f"{name:8}  {reading:8}  accuracy {found.value:.4f} ± {found.standard_error:.4f}"
        if baseline is not None:
            change = changes(baseline, results, shots)[reading]
            line += f"  change {change.difference:+.4f} ± {change.standard_error:.4f}"
            line += f" ({change.gained} gained, {change.lost} lost, p = {change.p_value:.2g})"
        print(line)
