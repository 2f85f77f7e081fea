"""The page about benchmarks, on made-up measurements, and what is collected as a benchmark."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from paper_checks.commands.benchmarks import FOLDERS
from paper_checks.commands.benchmarks.measured import read_measured
from paper_checks.commands.benchmarks.page import fitted_exponent
from paper_checks.commands.benchmarks.words import digits, plain_name, seconds, short_number
from paper_checks.commands.command_line import main
from paper_checks.evidence.run import JobRecord
from simulate.runtime.files import write_json
from tests.places import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"


def benchmark(group, name, median, *, params=None, **notes):
    """An entry of pytest-benchmark's JSON, as far as it is read."""
    stats = {"median": median, "iqr": 0.05 * (median or 0), "rounds": 5, "mean": median, "data": []}
    return {"group": group, "name": f"test_{name}", "params": params, "extra_info": notes, "stats": stats}


def target(kind, times, of, remark=""):
    return {"kind": kind, "times": times, "of": of, "remark": remark}


def measured(*benchmarks):
    machine = {"system": "Linux", "machine": "x86_64", "python_version": "3.12.1", "node": "a-name"}
    machine |= {"cpu": {"brand_raw": "A processor", "count": 2}, "versions": {"numpy": "2.0"}, "load": [0.5, 1.25]}
    return {
        "machine_info": machine,
        "commit_info": {"id": "abc", "dirty": True, "project": "a-folder"},
        "datetime": "2026-01-02T03:04:05.6+00:00",
        "version": "5.1.0",
        "benchmarks": list(benchmarks),
    }


PAIR = (
    benchmark("work: 7 of it", "ours", 0.002, amount={"number": 4000, "unit": "pieces"},
              target=target("at most", 3, "the_least", "by hand")),
    benchmark("work: 7 of it", "the_least", 0.001),
    benchmark("work: 7 of it", "literal", 1.0, target=target("at least", 700, "ours")),
)  # fmt: skip
LADDER = [
    benchmark("work against N", f"work[{N}]", 1e-5 * N**1.5, params={"N": N}) for N in (10, 20, 40, 80, 2 * 10**6)
]


@pytest.fixture
def write(tmp_path, capsys):
    """Writes the page of these benchmarks; returns the exit status, what was said, and the page."""

    def written(*benchmarks, record="absent.json"):
        source, out = tmp_path / "measured.json", tmp_path / "page.md"
        source.write_text(json.dumps(measured(*benchmarks)), encoding="utf-8")
        status = main(["benchmarks", "--measured", str(source), "--out", str(out), "--record", str(tmp_path / record)])
        found = capsys.readouterr()
        return status, found.out + found.err, out.read_text(encoding="utf-8") if out.exists() else None

    return written


def test_every_ratio_stands_beside_its_target_met_or_not(write):
    status, _, page = write(*PAIR)
    assert status == 0
    assert "| work: 7 of it: ours | the least | 2.00 | at most 3 | met | by hand |" in page
    assert "| work: 7 of it: literal | ours | 500 | at least 700 | **not met** |  |" in page


def test_times_are_beside_the_fastest_of_their_group_with_what_is_done_per_second(write):
    page = write(*PAIR)[2]
    assert "| work: 7 of it | ours | 2.00 ms | 2.00 | 5% | 5 | 2.00 million pieces |" in page
    assert "|  | the least | 1.00 ms | 1.00 | 5% | 5 |  |" in page
    assert "|  | literal | 1.00 s | 1,000 | 5% | 5 |  |" in page


def test_a_ladder_has_its_exponent_and_no_ratios(write):
    page = write(*PAIR, *LADDER)[2]
    assert (
        "| work against N | 10, 20, 40, 80, 2e+06 | 316 µs, 894 µs, 2.53 ms, 7.16 ms, 28,300 s | 1.50 ± 0.00 |" in page
    )
    assert page.count("work against N") == 1


def test_three_sizes_are_no_ladder(write):
    assert "| work against N | work[10] | 316 µs | 1.00 |" in write(*LADDER[:3])[2]


def test_the_exponent_is_the_slope_of_the_logarithms_with_its_error():
    sizes, noise = np.array([1.0, 2, 4, 8, 16]), np.array([0.1, -0.1, 0.05, 0.0, -0.05])
    x = np.log(sizes) - np.log(sizes).mean()
    y = 2 * np.log(sizes) + noise
    slope = x @ y / (x @ x)
    error = np.sqrt(np.square(y - y.mean() - slope * x).sum() / 3 / (x @ x))
    assert fitted_exponent(sizes, np.exp(y)) == pytest.approx((slope, error))


def test_the_machine_is_named_without_what_is_private_to_it(write):
    page = write(*PAIR)[2]
    for line in (
        "- machine: A processor, 2 processors, Linux",
        "- load average: 0.5 before and 1.2 after",
        "- date: 2026-01-02 03:04 UTC",
        "- versions: Python 3.12.1, numpy 2.0",
        "- commit: abc with changes",
    ):
        assert f"\n{line}\n" in page
    assert "a-name" not in page and "a-folder" not in page


def test_a_job_counts_once_in_a_group_and_in_each_claim_that_rests_on_it(write, tmp_path):
    from tests.oracles.report_runs import ledger_run

    assert "No record of a run was at hand" in write(*PAIR)[2]
    run = ledger_run()
    shared, own = JobRecord("trainings", "a" * 64, 10.0, None), JobRecord("draws", "b" * 64, 4.0, "2026-01-01")
    jobs = {"T1.1": [shared], "T1.3": [shared, own], "E1": [shared]}  # each check takes 1.25 s besides
    took = {name: 1.25 + sum(job.seconds for job in found) for name, found in jobs.items()}
    claims = [replace(one, jobs=jobs[one.id], seconds=took[one.id]) if one.id in jobs else one for one in run.claims]
    write_json(tmp_path / "run.json", replace(run, claims=claims).as_dict())
    page = write(*PAIR, record="run.json")[2]
    shown = dict(re.findall(r"^\| ([^|]+) \| ([\d.]+) \| \d+% \|$", page, re.MULTILINE))
    ran = sum(one.verdict != "not run" for one in claims)
    assert f"\n{1.25 * ran + 14:.0f} processor seconds in all" in page
    assert {name: shown[name] for name in ("T1", "E", "P", "trainings", "draws")} == {
        "T1": "17.8", "E": "11.2", "P": "1.2", "trainings": "10.0", "draws": "4.0"
    }  # fmt: skip
    assert {name: shown[name] for name in ("T1.1", "T1.3", "E1", "P6")} == {
        "T1.1": "11.2", "T1.3": "15.2", "E1": "11.2", "P6": "1.2"
    }  # fmt: skip
    assert "T1.2" not in shown


@pytest.mark.parametrize(
    ("benchmarks", "said"),
    [
        ([], "must hold benchmarks, it holds none"),
        ([*PAIR, PAIR[0]], "benchmarks of group 'work: 7 of it' must have different names"),
        (PAIR[::2], "test_ours must be held against another of ours, literal, got the_least"),
        ([benchmark("a", "x", 1.0, target=target("at most", 3, "x"))], "must be held against another of x, got x"),
        ([benchmark("a", "x", None)], "must be JSON of pytest-benchmark: benchmarks: entry 1: stats: median must be"),
        ([benchmark("a", "x", 1.0, target=target("about", 3, "y"))], "benchmarks: entry 1: extra_info: target: kind"),
    ],
)
def test_what_cannot_be_a_page_is_one_line_and_none_is_written(write, benchmarks, said):
    status, found, page = write(*benchmarks)
    assert status == 2 and page is None and said in found and found.count("\n") == 1


def test_a_failed_run_writes_no_page(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: subprocess.CompletedProcess(words, 1))
    assert main(["benchmarks", "--out", str(tmp_path / "page.md")]) == 1
    assert not (tmp_path / "page.md").exists() and "a benchmark failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "absent/page.md"], "--out must be a file in a folder that exists"),
        (["--out", "page.md", "--measured", "absent.json"], "absent.json cannot be read: No such file"),
    ],
)
def test_files_that_are_not_there(monkeypatch, tmp_path, capsys, options, said):
    monkeypatch.chdir(tmp_path)
    assert main(["benchmarks", *options]) == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0005, "500 µs"), (0.9996, "1,000 ms"), (12.346, "12.3 s"), (1e-10, "0.100 ns")]
)
def test_times_in_three_digits(value, shown):
    assert seconds(value) == shown


def test_numbers_in_three_digits():
    assert [digits(value) for value in (0.8337, 9.996, 99.96, 714.4, 1234.0)] == [
        "0.834",
        "10.0",
        "100",
        "714",
        "1,230",
    ]
    assert [short_number(value) for value in (12.3, 4.56e5, 8.42e10)] == ["12.3", "456 thousand", "84.2 billion"]
    assert plain_name("test_one_model[x_y]") == "one model[x y]"


LIST = """
import json, sys, pytest

class Groups:
    def pytest_collection_finish(self, session):
        marks = [(item.path.name, item.name, item.get_closest_marker("benchmark")) for item in session.items]
        found = [(path, name, mark and mark.kwargs.get("group")) for path, name, mark in marks]
        print("\\n" + json.dumps(found))

options = ["--benchmark-only", "--collect-only", "-qq", "-p", "no:cacheprovider"]
sys.exit(pytest.main([*options, *sys.argv[1:]], [Groups()]))
"""


def collected(*words):
    """What pytest --benchmark-only collects: file, name and group of each."""
    command = [sys.executable, "-c", LIST, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return [tuple(one) for one in json.loads(next(line for line in done.stdout.splitlines() if line[:2] == "[["))]


@pytest.fixture(scope="module")
def alone():
    return collected()


@pytest.fixture(scope="module")
def everything():
    return collected(*FOLDERS)


def members(found):
    groups = {}
    for _, name, group in found:
        groups.setdefault(group, []).append(name)
    return groups


def test_benchmarks_alone_are_collected(alone):
    files = {path.name for path in (ROOT / FOLDERS[0]).glob("test_*.py")}
    assert {path for path, _, _ in alone} == files and len(files) > 4


def test_every_group_has_an_alternative_and_every_ladder_four_sizes(alone, everything):
    ratios, ladders = members(alone), members(set(everything) - set(alone))
    assert None not in {**ratios, **ladders} and not set(ratios) & set(ladders)
    assert len(ratios) > 5 and min(map(len, ratios.values())) >= 2
    assert len(ladders) > 10 and min(map(len, ladders.values())) >= 4


def test_the_page_has_every_group(everything):
    page = PAGE.read_text(encoding="utf-8")
    assert [group for group in members(everything) if f"| {group} |" not in page] == []


README_ORDER = (
    ("sample", "bare random numbers"),
    ("literal sample", "sample of a chain"),
    ("moments of both", "sample"),
    ("vmap of grad", "moments of both"),
    ("every position", "positions that are asked for"),
    ("its matrix products alone", "positions that are asked for"),
    ("one model per cell", "sweep"),
)
"""The ratios that README's section "Speed" has, in its order."""


def test_the_ratios_of_readme_are_those_of_the_page_to_a_tenth():
    page, readme = (path.read_text(encoding="utf-8") for path in (PAGE, ROOT / "README.md"))
    rows = re.findall(r"^\| [^|]*: ([^|:]+) \| ([^|]+) \| ([\d.,]+) \| at ", page, re.MULTILINE)
    found = {(name, other): float(ratio.replace(",", "")) for name, other, ratio in rows}
    section = readme.partition("## Speed\n")[2].partition("\n## ")[0]
    shown = [float(number) for number in re.findall(r"([\d.]+) times", section)]
    assert shown == pytest.approx([found[pair] for pair in README_ORDER], rel=0.1)


def test_a_run_of_the_benchmarks_can_be_read(tmp_path):
    """The cheapest group is measured as the command has it measured."""
    found = tmp_path / "measured.json"
    words = [sys.executable, "-m", "pytest", FOLDERS[0], "--benchmark-only", f"--benchmark-json={found}"]
    run = [*words, "-k", "closed_form or dynamic_programme", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 100 and "Outliers:" not in line] == []
    group = read_measured(found).groups["exact values of all classes: attention values, N = 64, T = 256"]
    assert {one.title for one in group} == {"closed form", "dynamic programme"}
    assert read_measured(found).machine_info.versions["numpy"] == np.__version__
