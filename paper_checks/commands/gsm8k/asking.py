"""The model in its folder, and its answers: what takes the time, written after every number of shots."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .plan import Asked, Plan, choice, model_folder

if TYPE_CHECKING:
    from simulate.gsm8k.harness import Answer


def saved(options: Asked, plan: Plan) -> dict[str, Any]:
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
    model = loaded.model if plan.truncation is None else truncated(loaded.model, choice(plan.truncation))
    save_model(model, loaded.tokenizer, folder)
    name = Path(options.model).name if Path(options.model).exists() else options.model
    source = {"model": name, "revision": options.revision}
    shots = plan.earlier["shots"] if plan.earlier is not None else {}
    results = {"source": source, "configuration": configuration, "model_files": _digests(folder), "shots": shots}
    write_results(options.out, results)
    return results


def _digests(folder: Path) -> dict[str, str]:
    from simulate.language.weight_files import file_digests
    from simulate.runtime.files import SUMS

    return file_digests(sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS))


def ask_all(
    options: Asked,
    plan: Plan,
    results: dict[str, Any],
    device: str,
    missing: list[int],
    finished: list[int],
) -> None:
    """Ask with every missing number of shots, and write the results after each."""
    from time import perf_counter

    import torch

    from paper_checks.evidence.recorded import device_name
    from simulate.gsm8k.harness import ask, check_room, load
    from simulate.gsm8k.results import write_results

    model = load(model_folder(options.out), device=device, dtype=options.dtype, prompting=plan.prompting)
    check_room(model, plan.problems, plan.examples[: max(missing)], plan.prompting)
    where = device_name(torch.device(device))
    for shots in missing:
        print(f"{shots} of {plan.shots} shots, {len(plan.problems)} problems", file=sys.stderr)
        started = perf_counter()
        answers = ask(model, plan.problems, plan.examples[:shots], plan.prompting)
        results["shots"][str(shots)] = _record(answers, where, perf_counter() - started)
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
