"""The workflow: pinned actions, least permissions, README's commands; the citation file; what is named is there."""

import re
import tomllib

import pytest

from .places import ROOT

yaml = pytest.importorskip("yaml", reason="needs the extra language")

TEXT = (ROOT / ".github" / "workflows" / "claims.yml").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(TEXT)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_actions_are_pinned_to_commits_with_their_version():
    used = re.findall(r"uses: (.*)", TEXT)
    assert len(used) >= 6
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_only_publishing_jobs_may_write_and_only_what_they_publish():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    given = {name: job.get("permissions") for name, job in WORKFLOW["jobs"].items()}
    assert given == {
        "claims": None,
        "versions": None,
        "report": {"pages": "write", "id-token": "write"},
        "badges": {"contents": "write"},
    }
    for name in ("report", "badges"):
        assert WORKFLOW["jobs"][name]["needs"] == "claims"
        assert "github.ref == 'refs/heads/main'" in WORKFLOW["jobs"][name]["if"]
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())


def test_every_push_and_every_week_what_ci_runs_on_all_supported_versions():
    when = WORKFLOW[True]  # YAML reads the key `on` so
    assert {"push", "schedule"} <= set(when) and len(when["schedule"]) == 1
    assert re.fullmatch(r"\d+ \d+ \* \* \d", when["schedule"][0]["cron"])
    job = WORKFLOW["jobs"]["claims"]
    versions = job["strategy"]["matrix"]["python"]
    assert f">={versions[0]}" == PROJECT["requires-python"]
    assert WORKFLOW["env"]["PUBLISHED"] in versions
    assert next(step["run"] for step in job["steps"] if "run" in step) == ".ci/run"
    assert job["steps"][1]["with"]["cache"] == "pip"


def test_what_is_published_is_what_the_run_leaves_even_if_it_failed():
    steps = {name: job["steps"] for name, job in WORKFLOW["jobs"].items()}

    def using(name, action):
        return next(step for step in steps[name] if f"actions/{action}@" in step.get("uses", ""))

    kept = using("claims", "upload-artifact")
    assert kept["if"] == "always()" and kept["with"]["include-hidden-files"] is True
    assert {"report", "site", "badges", ".evidence/claims.json"} <= set(kept["with"]["path"].split())
    fetched = {name: using(name, "download-artifact")["with"] for name in ("report", "badges")}
    for one in fetched.values():
        assert one["name"].replace("env.PUBLISHED", "matrix.python") == kept["with"]["name"]
    joined = next(step["run"] for step in steps["report"] if "run" in step)
    assert using("report", "upload-pages-artifact")["with"]["path"] == "site" and "mv report site/report\n" in joined
    assert f"mv {fetched['badges']['path']}/badges/* ." in steps["badges"][-1]["run"]
    for name in ("report", "badges"):
        assert "!cancelled()" in WORKFLOW["jobs"][name]["if"]
    written = next(step for step in steps["claims"] if "paper-checks badges --out badges" in step.get("run", ""))
    assert "always()" in written["if"]


def test_the_citation_file_names_this_software_and_both_papers():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["version"] == PROJECT["version"] and cited["license"] == PROJECT["license"]
    found = [one["identifiers"][0]["value"] for one in cited["references"]]
    assert found == ["arXiv:2406.03068", "arXiv:2306.00802"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
