"""Pictures of what theory says and of what is simulated, as .svg, .png or .pdf.

    paper-checks draw phase-diagram --N 16 --T 256 --out phase.svg
    paper-checks draw memories singular-values --out values.svg
    paper-checks draw training curves --out curves.svg
    paper-checks draw general-laws --out tokens.svg
    paper-checks draw language sweep --out sweep.svg

`paper-checks draw PICTURE --help` says what a picture shows and takes.
"""

from paper_checks.commands.groups import CommandGroup, LazyCommand

from .picture import INTERRUPTED

PICTURES = {
    "phase-diagram": "Where the first key-query step looks, over noise level and absorption.",
    "memories": "Where the associative memory and an induction head keep what they learned.",
    "training": "How a two-layer transformer learns recall, and where it keeps the noise.",
    "general-laws": "Where the first key-query step looks on a text, by the frequency of tokens.",
    "language": "How language models answer under LASER, and along their training.",
}

command = CommandGroup(
    "draw",
    [LazyCommand(name, said, f"{__package__}.{name.replace('-', '_')}") for name, said in PICTURES.items()],
    help=__doc__,
    interrupted=INTERRUPTED,
)
