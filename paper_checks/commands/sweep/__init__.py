"""Truncate one matrix after the other of a language model, and say what it answers (LASER).

    paper-checks sweep --model smollm2
    paper-checks sweep --model FOLDER --layers upper --roles mlp_in,mlp_up --fractions 0.1,0.5 --without 1,4
    paper-checks sweep --model FILE.gguf --prompts FILE.jsonl --start '<|endoftext|>' --out cells.csv

Prompts are those of --prompts, one JSON object a line with "text", "answer" and, where you like, "distractor",
"distributional", "set", "cluster"; without it recall of a name and the country of a city, those on which " the"
competes with the answer in the whole model. Every layer is a job whose result is kept: give the same command again
after an interrupt, and it goes on. Where no terminal shows progress there is a line every 20 seconds.

Exit status: 0; 2 with the reason on standard error; 130 on Ctrl-C.
"""

from pathlib import Path

import click

from paper_checks.commands.groups import Command, Interrupted, Stopped, refuse
from paper_checks.commands.options import ModelName, base_seed, count


@click.command("sweep", cls=Command, help=__doc__)
@click.option(
    "--model", type=ModelName(), required=True, metavar="NAME", help="smollm2, a hub name, a folder, or a file *.gguf"
)
@click.option("--revision", help="of a hub name")
@click.option("--layers", default="last:6", help="last:N, upper, all, or numbers from 0 such as 3,5")
@click.option("--roles", help="such as mlp_up,attention_qkv (default: all that the model has)")
@click.option("--fractions", default="0.1,0.25,0.5", help="shares of the rank that are kept, or none")
@click.option("--ranks", default="", help="ranks that are kept")
@click.option("--without", default="4", help="numbers of top directions that are left out, or none")
@click.option("--prompts", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="prompts of your own")
@click.option("--start", help="token before every prompt; '' for none (default: the model's own)")
@click.option("--dtype", default="float32", help="float32, bfloat16 or float16")
@base_seed("the built-in prompts and of the halves")
@count("processes", 1, None, 2, "processes that do layers at the same time")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.csv", help="all cells, set by set")
def command(model: str, processes: int, out: Path | None, **options: object) -> int:
    from paper_checks.experiments.named import require_packages

    try:
        require_packages()
        from .run import Asked, check_out, run

        check_out(out)
        run(Asked(model, **options), processes, out)  # type: ignore[arg-type]
    except (ModuleNotFoundError, ConnectionError) as error:
        raise Stopped(str(error)) from error
    except (TypeError, ValueError, OSError) as error:
        refuse(error)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; give the same command again to go on") from None
    return 0
