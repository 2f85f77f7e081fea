"""The tests that are recorded, in parts; a part that is recorded is not run again until its file is removed."""

import subprocess
import sys
import tempfile
from pathlib import Path

CLAIMS = "paper_checks/claims"
TRAININGS = [f"{CLAIMS}/b/test_birth_trainings.py", f"{CLAIMS}/g/test_trainings_on_laws.py"]
PARTS = {
    "c1": [f"{CLAIMS}/t1", f"{CLAIMS}/t2", f"{CLAIMS}/t3"],
    "c2": [f"{CLAIMS}/t4", f"{CLAIMS}/b/test_gradient_memory.py", f"{CLAIMS}/b/test_induction_head.py"],
    "c3": [f"{CLAIMS}/g", "--deselect", TRAININGS[1]],
    "c4": TRAININGS,
    "c5": [f"{CLAIMS}/e"],
    "c6": [f"{CLAIMS}/p"],
    "t1": ["tests/theory"],
    "s1": [f"tests/simulate/{name}" for name in ("one_layer", "induction", "memory", "sequences", "transformer")],
    "s2": [f"tests/simulate/{name}" for name in ("runtime", "laser", "language", "prompts", "gsm8k")],
}


def record(root: Path, folder: Path) -> int:
    """Record the parts that are not there; 1 if tests failed, which are in no recording."""
    failed = 0
    for name, arguments in PARTS.items():
        if not (folder / f"{name}.json").exists():
            with tempfile.TemporaryDirectory(prefix="teeth-") as place:
                claims = ["-m", "claims", "--evidence", f"{place}/evidence.json"] if name.startswith("c") else []
                command = [sys.executable, "-m", "tests.teeth.recording", str(folder / f"{name}.json"), *arguments]
                failed |= subprocess.run([*command, *claims, "-q"], cwd=root, check=False).returncode != 0
    return int(failed)
