"""Draw mutants, run the claims that execute what they change, then the tests; say what was caught by what.

    python -m tests.teeth --lines --theory 200 --simulate 100 --record

Which tests execute a line is recorded before (--lines, needs coverage, once). Results are kept in .teeth, mutant by
mutant, so that a run that is stopped goes on; what was caught stays so (--learn: in caught.json, for all who come
later), what survived is run again with --again. A mutant is "not ended" where a test that executes it takes longer than
--longest, or where not all tests are recorded.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from . import child, parts, results
from .draw import FILES, SEED, all_mutants, sample
from .executed import Executed, compiled_functions
from .operators import Mutant
from .tree import Tree

ROOT = Path(__file__).parents[2]


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser("python -m tests.teeth", description=__doc__.split("\n")[0])
    found.add_argument("--theory", type=int, default=6, help="mutants of theory (default: %(default)s)")
    found.add_argument("--simulate", type=int, default=4, help="mutants of simulate (default: %(default)s)")
    found.add_argument("--seed", type=int, default=SEED, help="of the draw (default: %(default)s)")
    found.add_argument("--lines", action="store_true", help="record first which tests execute which lines (an hour)")
    found.add_argument("--known", type=int, help="instead, so many that a check is known to catch, each on that check")
    found.add_argument("--kept", type=Path, default=ROOT / ".teeth", help="where results and recordings are kept")
    found.add_argument("--part", default="1/1", help="K/N: of the sample the Kth of N, for runs side by side")
    found.add_argument(
        "--longest", type=float, default=1e9, help="leave out tests that take longer; such are unfinished"
    )
    found.add_argument("--again", action="store_true", help="run survivors again")
    found.add_argument("--show", action="store_true", help="run nothing, show what is kept")
    found.add_argument("--learn", action="store_true", help="keep in caught.json which check caught which mutant")
    found.add_argument("--record", action="store_true", help="write paper_checks/recorded/trust/teeth.json")
    return found


class Runner:
    """Runs mutants one by one in a copy of the project."""

    def __init__(self, kept: Path, part: str, longest: float, store: results.Kept) -> None:
        self.recordings, self.longest, self.store = kept / "recordings", longest, store
        self.read: list[Path] = []
        self.executed = Executed(ROOT, self.read)
        place = kept / f"tree-{part.replace('/', '-')}"
        self.numba = place / "numba"
        self.tree = Tree(ROOT, place / "copy")
        self.code = digest_of(ROOT)
        child.load()

    def look(self) -> None:
        """Read recordings that came since."""
        there = sorted(self.recordings.glob("*.json"))
        if there != self.read:
            self.read, self.executed = there, Executed(ROOT, there)

    def run(self, mutant: Mutant) -> dict[str, object]:
        """What became of it: caught by "claims" or "tests", "survived", or "unfinished" where tests were left out or
        are not recorded. Tests that it passed in an earlier run of the same code are not run again."""
        self.look()
        before = self.store.read(mutant.key) or {}
        same = before.get("code") == self.code
        found: dict[str, object] = {"key": mutant.key, "code": self.code, "outcome": "unfinished"}
        passed: list[str] = list(before["passed"]) if same else []
        seconds, left = float(before["seconds"]) if same else 0.0, 0
        source = (ROOT / mutant.path).read_text(encoding="utf-8")
        with self.tree.changed(mutant.path, mutant.applied(source)):
            for name, costs in zip(("claims", "tests"), self.executed.costs(mutant), strict=True):
                short = {node: cost for node, cost in costs.items() if cost <= self.longest and node not in passed}
                left += sum(cost > self.longest for cost in costs.values())
                ended = self.ended(mutant, short, name == "claims") if short else {"caught": False, "seconds": 0.0}
                seconds += float(str(ended["seconds"]))
                if ended["caught"]:
                    found |= {"outcome": name, **{key: ended[key] for key in ("how", "node", "said")}}
                    break
                passed += short
        if found["outcome"] == "unfinished" and self.executed.is_whole and not left:
            found["outcome"] = "survived"
        return found | {"seconds": round(seconds, 2), "passed": passed, "diff": results.diff(mutant, source)}

    def ended(self, mutant: Mutant, costs: dict[str, float], claims: bool) -> dict[str, object]:
        """What became of the tests; what numba compiles of a mutant is kept apart."""
        top = mutant.function.partition(".")[0]
        apart = top in compiled_functions(ROOT, mutant.path)
        numba = self.numba.with_name(f"numba-{mutant.key[-10:]}") if apart else self.numba
        return child.outcome(self.tree.place, costs, claims, numba)


def test_seconds(kept: Path) -> dict[str, float]:
    """Seconds of each test that is recorded."""
    found = Executed(ROOT, sorted((kept / "recordings").glob("*.json")))
    return {node: seconds for recording in found.recorded for node, seconds in recording["nodes"]}


def digest_of(root: Path) -> str:
    """Of all code on which a result depends."""
    from simulate.runtime.files import digest_of_files

    return digest_of_files(root, [f"{name}/**/*.py" for name in ("theory", "simulate", "paper_checks", "tests")])


def chosen(given: argparse.Namespace) -> list[Mutant]:
    return list(sample(ROOT, {"theory": given.theory, "simulate": given.simulate}, given.seed))


def run_known(number: int, seed: int) -> int:
    """Whether mutants of caught.json that the code still has fail the checks that caught them; 1 if one does not."""
    known = results.quick()
    there = [one for package in FILES for one in all_mutants(ROOT, package) if one.key in known]
    if len(there) < number:
        raise ValueError(
            f"--known must be at most {len(there)}, the mutants that are known and still there, got {number}"
        )
    random.Random(seed).shuffle(there)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="teeth-known-") as place:
        tree, numba = Tree(ROOT, Path(place) / "copy"), Path(place) / "numba"
        child.load()
        for mutant in there[:number]:
            node, seconds = known[mutant.key]
            with tree.changed(mutant.path, mutant.applied((ROOT / mutant.path).read_text(encoding="utf-8"))):
                ended = child.outcome(tree.place, {node: seconds}, node.startswith("paper_checks/"), numba)
            missed += not ended["caught"]
            print(
                f"{'caught' if ended['caught'] else 'MISSED'} {ended['seconds']:6} s  {mutant.key}  {node}", flush=True
            )
    print(f"{number - missed} of {number} mutants are caught; drawn with seed {seed} of {len(there)}")
    return int(missed > 0)


def main(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    if given.known is not None:
        return run_known(given.known, given.seed)
    if given.lines and parts.record(ROOT, given.kept / "recordings"):
        return 1
    wanted = chosen(given)
    number, count = (int(part) for part in given.part.split("/"))
    store = results.Kept(given.kept / "results")
    mine = [one for place, one in enumerate(wanted) if place % count == number - 1]
    waiting = [] if given.show else [one for one in mine if store.is_open(one, given.again)]
    if waiting:
        runner = Runner(given.kept, given.part, given.longest, store)
        for place, mutant in enumerate(waiting, 1):
            found = runner.run(mutant)
            store.keep(found)
            print(f"{place}/{len(waiting)} {found['outcome']:10} {found['seconds']:7} s  {mutant.key}", flush=True)
    known = {one.key: found for one in wanted if (found := store.read(one.key)) is not None}
    for one in wanted:
        if one.key in known and "diff" not in known[one.key]:  # of caught.json
            known[one.key]["diff"] = results.diff(one, (ROOT / one.path).read_text(encoding="utf-8"))
    results.show(wanted, known)
    if given.learn:
        results.learn(store.all(), test_seconds(given.kept))
    if given.record:
        results.record(wanted, known, given.seed)
    return int(any(one["outcome"] == "survived" for one in known.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
