"""The page about benchmarks, on made-up measurements."""

import json
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from paper_checks.commands.benchmarks.page import fitted_exponent
from paper_checks.commands.benchmarks.profile import makespan
from paper_checks.commands.benchmarks.words import digits, plain_name, seconds, short_number
from paper_checks.commands.command_line import main
from paper_checks.evidence.run import JobRecord
from simulate.runtime.files import write_json


def benchmark(group, name, median, *, params=None, **notes):
    """An entry of pytest-benchmark's JSON, as far as it is read."""
    stats = {"median": median, "rounds": 5, "mean": median, "data": []}
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
def write(tmp_path, capsys, monkeypatch):
    """Writes the page of these benchmarks, and of further passes; returns the status, what was said, and the page."""

    monkeypatch.chdir(tmp_path)  # where no run has left a record

    def written(*benchmarks, passes=(), record=None):
        out, words = tmp_path / "page.md", []
        for number, found in enumerate((benchmarks, *passes)):
            source = tmp_path / f"measured-{number}.json"
            source.write_text(json.dumps(measured(*found)), encoding="utf-8")
            words += ["--measured", str(source)]
        words += [] if record is None else ["--record", str(tmp_path / record)]
        status = main(["benchmarks", *words, "--out", str(out)])
        found = capsys.readouterr()
        return status, found.out + found.err, out.read_text(encoding="utf-8") if out.exists() else None

    return written


def test_every_ratio_stands_beside_its_target_met_or_not(write):
    status, _, page = write(*PAIR)
    assert status == 0
    assert "| work: 7 of it: ours | the least | 2.00 | 2.00 | at most 3 | met | by hand |" in page
    assert "| work: 7 of it: literal | ours | 500 | 500 | at least 700 | **not met** |  |" in page


def test_times_are_beside_the_fastest_of_their_group_with_what_is_done_per_second(write):
    page = write(*PAIR)[2]
    assert "| work: 7 of it | ours | 2.00 ms | 2.00 | 0% | 2.00 million pieces |" in page
    assert "|  | the least | 1.00 ms | 1.00 | 0% |  |" in page
    assert "|  | literal | 1.00 s | 1,000 | 0% |  |" in page


def test_ratios_and_times_are_medians_over_passes(write):
    slower = [[benchmark(PAIR[0]["group"], one["name"][5:], one["stats"]["median"] * factor, **one["extra_info"])
               for one, factor in zip(PAIR, factors, strict=True)] for factors in ((1, 4, 1), (4, 0.5, 1))]  # fmt: skip
    page = write(*PAIR, passes=slower)[2]
    assert "| the least | 2.00 | 2.00, 0.500, 16.0 | at most 3 | met | by hand |" in page
    assert "| ours | 2.00 ms | 2.00 | 300% | 2.00 million pieces |" in page
    assert "|  | the least | 1.00 ms | 1.00 | 350% |  |" in page
    assert "All was measured 3 times," in page


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
        "- load average: 0.5 before, 1.2 after",
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
    ("seconds", "workers", "last"),
    [([], 3, 0), ([3, 1, 2], 1, 6), ([1, 2, 3], 2, 3), ([1, 1, 1, 3], 2, 3), ([2, 2, 2], 2, 4), ([5], 4, 5)],
)
def test_the_longest_job_goes_to_the_worker_that_is_free_first(seconds, workers, last):
    assert makespan(seconds, workers) == last


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


def test_passes_must_be_of_the_same_benchmarks(write):
    status, found, page = write(*PAIR, passes=[PAIR[:2]])
    assert status == 2 and page is None and "runs must be of the same benchmarks" in found


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
