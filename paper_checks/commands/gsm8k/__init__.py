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

Accuracy is the share of answers whose number after "The answer is" (strict) or whose last number (flexible) is correct,
with its exact 95 % interval. --numbers FILE keeps what both files come to, without a word of the problems: digests of
the questions, the numbers found, which are right, intervals and exact tests; and prints it as a table. A FILE that has
more problems stays; if the first ones came out the same, it says that the code at hand gave them again.

Exit status: 0; 2 with the reason on standard error; 130 on Ctrl-C, with the finished numbers of shots in the file.
Needs the extra `gsm8k`: pip install -e '.[gsm8k]'
"""

from pathlib import Path
from typing import Any

import click

from paper_checks.commands.groups import Command, Interrupted, Stopped, refuse
from paper_checks.commands.options import Integers, ModelName

from .asking import ask_all, saved
from .plan import Asked, Plan, check_file, checked, model_folder

# All else is imported when the command runs, so that Ctrl-C ends the seconds that it takes like the rest of the run.

EXTRA = ("accelerate", "datasets", "huggingface_hub", "lm_eval", "tokenizers", "transformers")
FILE = click.Path(path_type=Path)


@click.command("gsm8k", cls=Command, help=__doc__)
@click.option(
    "--model",
    type=ModelName(),
    required=True,
    metavar="NAME|FOLDER",
    help="hub name or folder, of a known architecture",
)
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
@click.option("--stop", multiple=True, help="a further text that ends an answer, such as a blank line; may be repeated")
@click.option("--dtype", default="float32", help="float32, bfloat16 or float16")
@click.option("--device", default="cpu", help="cpu, cuda, cuda:<index> or auto")
@click.option("--against", type=FILE, help="results of the same problems and model, to compare with")
@click.option("--numbers", type=FILE, help="the comparison with --against in numbers alone, .json; written anew")
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
    from simulate.runtime.alone import alone
    from simulate.runtime.device import resolve_device

    check_file("out", options.out)
    with alone(options.out):
        _asked(options, finished, checked(options), str(resolve_device(options.device)))


def _asked(options: Asked, finished: list[int], plan: Plan, device: str) -> None:
    from simulate.gsm8k.harness import harness_command  # before the work: is all there?

    results = saved(options, plan)
    finished += map(int, results["shots"])
    missing = [shots for shots in plan.shots if shots not in finished]
    if missing:
        ask_all(options, plan, results, device, missing, finished)
    for shots in plan.shots:
        _report(results, plan.baseline, shots)
    if options.numbers is not None and options.against is not None:
        _write_numbers(options.against, options.out, options.numbers)
    print("\nThe same model on the harness's own task, with its own worked examples (this needs the network):")
    print(harness_command(model_folder(options.out), plan.shots[0], plan.prompting, device, options.dtype))


def _write_numbers(before: Path, after: Path, path: Path) -> None:
    from simulate.gsm8k.results import read_results
    from simulate.runtime.files import read_json, write_json

    from .numbers import figure, made_again, table

    numbers = figure(read_results(before), read_results(after))
    known = read_json(path) if path.exists() else None
    is_longer = known is not None and len(known["questions_sha256"]) > len(numbers["questions_sha256"])
    try:
        write_json(path, made_again(known, numbers) if known is not None and is_longer else numbers)
    except ValueError as error:
        refuse(f"{path} has more problems, and stays: {error}")
    print("\n" + "\n".join(table(numbers)))


def _report(results: dict[str, Any], baseline: dict[str, Any] | None, shots: int) -> None:
    from paper_checks.experiments.pocket import share_interval
    from simulate.gsm8k.results import READINGS, changes, correct

    name = f"{shots} shot{'s' if shots > 1 else ''}"
    for reading in READINGS:
        right = correct("results", results, shots, reading)
        low, high = share_interval(sum(right), len(right))
        line = f"{name:8}  {reading:8}  accuracy {sum(right) / len(right):.4f} [{low:.4f}, {high:.4f}]"
        if baseline is not None:
            change = changes(baseline, results, shots)[reading]
            line += f"  change {change.difference:+.4f} ± {change.standard_error:.4f}"
            line += f" ({change.gained} gained, {change.lost} lost, p = {change.p_value:.2g})"
        print(line)
