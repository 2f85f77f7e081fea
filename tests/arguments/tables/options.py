"""Rows of commands and of pytest's options: what is given besides, and values that cannot be used.

Values that a type of option cannot have, such as an integer below its least, are not here: `option_trials` takes them
from the type. Files and folders are those that `option_trials.prepare` makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from paper_checks.evidence.training_design import PILOT_SEED

NO_FILE = ("nowhere/at all", "folder", "text.txt", "empty", "broken.json")
NO_NEW_FILE = ("folder", "nowhere/at all.json")
NO_NEW_FOLDER = ("text.txt", "text.txt/inside")
NO_MODEL = ("folder", "nowhere/at/all", "text.txt", "", "half")
NO_LEVEL = ("-0.1", "1.5")


@dataclass(frozen=True)
class Options:
    """A command.

    Attributes:
        given: what makes it a command that could be run.
        bad: by option, values that cannot be used.
        besides: by option, what is given besides it and not to the others.
    """

    given: tuple[str, ...] = ()
    bad: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    besides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


OUT = ("--out", "picture.svg")
SCOPE = {"--part": ("nonsense",), "--alpha": ("1:x", "0.5:0.1", "2", "nan"), "--T": ("x", "0"), "--t": ("x", "-1")}
COMMANDS: Mapping[str, Options] = {
    "": Options(),
    "ask": Options(
        ("--N", "5"),
        {
            "--bigrams": NO_FILE,
            "--text": ("nowhere/at all", "folder", "empty"),
            "--trigger": ("nonsense", ""),
            "--noise": ("nonsense", ""),
            "--alpha": NO_LEVEL,
            "--smoothing": ("-1",),
        },
        {
            "--bigrams": ("-N",),
            "--text": ("-N",),
            "--trigger": ("-N", "--text", "letters.txt"),
            "--noise": ("-N", "--text", "letters.txt"),
            "--smoothing": ("-N", "--text", "letters.txt"),
            "--answers": ("-N", "--text", "letters.txt"),
        },
    ),
    "draw phase-diagram": Options((*OUT, "--N", "5", "--T", "7")),
    "draw memories singular-values": Options(OUT, {"--alpha": NO_LEVEL}),
    "draw memories top-space": Options(OUT),
    "draw memories three-steps": Options(OUT),
    "draw training curves": Options(OUT, {"--alpha": NO_LEVEL}),
    "draw training overview": Options(OUT),
    "draw training ranks": Options(OUT),
    "draw training probes": Options(OUT),
    "draw general-laws": Options(OUT, {"--shares": ("", "x", "2", "1,nan"), "--alpha": NO_LEVEL}),
    "draw language sweep": Options(
        OUT,
        {"--model": NO_MODEL, "--revision": ("main",), "--training-seed": ("0", "99")},
        {"--seed": ("--training-seed", "1")},
    ),
    "draw language beside": Options(OUT, {"--training-seed": ("0", "99")}),
    "draw language checkpoints": Options(
        OUT,
        {"--model": NO_MODEL, "--checkpoints": ("", "one", "folder,half")},
        {"--model": ("--checkpoints", "step1,step2"), "--checkpoints": ("--model", "tiny")},
    ),
    "alarms": Options((), {"--claims": ("", "T99", "T1,,T2")}),
    "report": Options(
        ("--out", "report"),
        {"--record": NO_FILE, "--out": NO_NEW_FOLDER, "--against": NO_FILE},
    ),
    "badges": Options(
        ("--out", "badges"),
        {"--record": NO_FILE, "--out": NO_NEW_FOLDER, "--groups": NO_NEW_FOLDER, "--check": NO_NEW_FOLDER},
        {"--groups": ("-out",), "--check": ("-out",)},
    ),
    "fill": Options(("README.md",), {"files": NO_FILE, "--record": NO_FILE, "--list": ("nonsense", "")}),
    "benchmarks": Options(("--out", "page.md"), {"--out": NO_NEW_FILE, "--measured": NO_FILE, "--record": NO_FILE}),
    "seeds": Options(
        ("--claims", "T1.4", "--seeds", "1,2", "--out", "seeds"),
        {"--claims": ("", "T99", "T1,,T2"), "--seeds": ("1,1", "-1", str(PILOT_SEED)), "--out": NO_NEW_FOLDER},
    ),
    "rotation": Options((), {"--commit": ("", "nonsense", "0" * 39), "--record": ("folder", "text.txt/inside.json")}),
    "cache": Options(),
    "sweep": Options(
        ("--model", "tiny", "--layers", "all", "--processes", "1"),
        {
            "--model": (*NO_MODEL, "broken.gguf"),
            "--revision": ("main", ""),
            "--layers": ("", "x", "last:0", "last:x", "9", "-1", "1.5"),
            "--roles": ("", "nonsense", "mlp_in,nonsense", "mlp_gate"),
            "--fractions": ("x", "nan", "inf", "-0.1", "1.5", "0.1,,0.2"),
            "--ranks": ("x", "1.5", "-1", "nan", "1000000000000000000"),
            "--without": ("x", "1.5", "-1", "nan", "1000000000000000000"),
            "--prompts": NO_FILE,
            "--start": ("not one token of it",),
            "--dtype": ("", "nonsense", "int64", "float8"),
            "--out": NO_NEW_FILE,
        },
    ),
    "weights": Options(("smollm2",), {"name": ("nonsense", ""), "--wheel": NO_FILE}),
    "train-pocket": Options(
        ("--out", "pocket"),
        {"--out": NO_NEW_FOLDER, "--seeds": ("0", "1,1", "-1"), "--steps": ("0", "-1"), "--device": ("", "nonsense")},
    ),
    "gsm8k": Options(
        ("--model", "tiny", "--out", "results.json"),
        {
            "--model": NO_MODEL,
            "--revision": ("main", ""),
            "--role": ("nonsense", ""),
            "--layer": ("7", "-9"),
            "--fraction": ("-0.1", "1.5", "nan", "inf"),
            "--shots": ("0", "1,1", "99", "-1"),
            "--problems": NO_FILE,
            "--examples": NO_FILE,
            "--limit": ("0", "-1", "1000"),
            "--seed": ("-1",),
            "--max-new-tokens": ("0", "-1"),
            "--batch-size": ("0", "-1"),
            "--stop": ("",),
            "--dtype": ("", "nonsense", "int64"),
            "--device": ("", "nonsense"),
            "--against": NO_FILE,
            "--numbers": ("folder", "nowhere/at all.json", "text.txt"),
            "--out": ("folder", "nowhere/at all.json", "text.txt", "broken.json"),
        },
        {
            "--role": ("--layer", "0", "--fraction", "0.5"),
            "--layer": ("--role", "mlp_in", "--fraction", "0.5"),
            "--fraction": ("--role", "mlp_in", "--layer", "0"),
        },
    ),
}
"""By name; the commands of scope, one for every map, are `SCOPE`'s."""
NOT_TRIED = {"verify": "options of pytest, which are tried as such"}

PYTEST = Options(
    (),
    {
        "--ledger": NO_FILE,
        "--seed": ("-1", str(PILOT_SEED)),
        "--claims": ("", "T99", "T1,,T2", "T1.4,nonsense"),
        "--report": ("text.txt", "text.txt/inside"),
        "--evidence": ("folder", "text.txt/inside.json"),
        "--jobs": ("0", "-1"),
        "--cluster": ("", "nonsense", "tcp://", "http//localhost:8786"),
        "--scale": ("", "nonsense"),
        "--device": ("", "nonsense", "cuda:x"),
        "--model": NO_MODEL,
        "--revision": ("main",),
        "--checkpoints": ("", "one", "folder,half", "tiny,"),
        "--start": ("not one token of it",),
        "--gsm8k": ("", "one.json", "text.txt,text.txt", "nowhere/at.json,all.json", "folder,folder"),
    },
    {
        "--checkpoints": ("--model", "tiny"),
        "--start": ("--model", "tiny"),
        "--device": ("--scale", "paper"),
    },
)
