"""Mathematics of docstrings and sentences: typeset as it is written, or left as it is written."""

import html
import re
import sys
import time

import pytest

from paper_checks.evidence.ledger import Proof
from paper_checks.project import load_claims
from paper_checks.report.mathematics import equations
from paper_checks.report.mathematics.derivation import blocks, derivations
from paper_checks.report.mathematics.equations import equation, latex, same_signs
from paper_checks.report.mathematics.sentences import sentence
from paper_checks.report.written import write_report
from tests.oracles.report_runs import FOUND, claim_record, run_of
from tests.places import ROOT


def bare(drawn):
    """MathML without the tags of formulas, rows and what keeps them in a line, which say nothing."""
    return re.sub(r"</?mrow>|<math[^>]*>|</math>|</?span[^>]*>", "|", drawn).replace("|", "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("g_F = (e_y - 1/M) x_Tᵀ", "g_{F} = (e_{y} - 1/M) x_{T}^{T}"),
        ("E[1{y=k} f_a²]", r"E[1\{y=k\} f_{a}^{2}]"),
        ("r^{t-1} x̄_c μ̂_k", r"r^{t-1} \bar{x}_{c} \hat{μ}_{k}"),
        ("√(α/(1-α)) ≤ √n", r"\sqrt{α/(1-α)} \leq  \sqrt{n}"),
        ("log x  for ordinary k", r"\log  x\;\; \text{ for } \text{ ordinary } k"),
        ("N^(-1/2) o₁", "N^{-1/2} o_{1}"),
        ("NT/(N+2T)", "NT/(N+2T)"),
        ("SNR²_V", r"\operatorname{SNR}_{V}^{2}"),
        ("a ≠ b ∉ C", r"a \neq  b \notin  C"),
        ("N^0.5 e^-1.5 √0.5 x_2.", r"N^{0.5} e^{-1.5} \sqrt{0.5} x_{2}."),
    ],
)
def test_a_line_as_latex(text, written):
    assert latex(text) == written
    assert same_signs(text, equation(text))


@pytest.mark.parametrize("text", ["√", "√+", "x_", "x^(1", "x_{k", "`name`", "x_ab_cd", "☃"])
def test_what_is_no_mathematics_is_refused(text):
    with pytest.raises(ValueError):
        equation(text)


def test_other_letters_are_seen():
    drawn = equation("G_V[k,E(k)] = α")
    assert same_signs("G_V[k,E(k)] = α", drawn)
    assert not same_signs("G_V[k,E(j)] = α", drawn)
    assert not same_signs("G_V[k,E(k)] = 2α", drawn)


def test_what_would_be_typeset_with_other_letters_is_not(monkeypatch):
    monkeypatch.setattr(equations, "latex", lambda text: "G_{V}")
    assert equations.typeset("G_V", "inline")
    with pytest.raises(ValueError, match="other letters"):
        equations.typeset("G_F", "inline")


def test_a_sentence_has_its_mathematics_typeset():
    found = bare(sentence("all N >= 2, 0 <= alpha < 1; a third, sqrt(2)/N"))
    assert "all <mi>N</mi><mo>≥</mo><mn>2</mn>, " in found
    assert "<mn>0</mn><mo>≤</mo><mi>α</mi><mo>&lt;</mo><mn>1</mn>; a third, " in found
    assert '<msqrt><mn>2</mn></msqrt><mo lspace="0" rspace="0">/</mo><mi>N</mi>' in found


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("share E[S]|E[S]|/(E[S²] - E[S]²), exactly", "|E[S]|/(E[S2]−E[S]2)"),
        ("tends to (T-2)²(1-α)³/(2(T-1) - (T-2)α) at fixed T", "(T−2)2(1−α)3/(2(T−1)−(T−2)α)"),
        ("at α_c(16, 256) it is", "αc(16,256)"),
        ("longer than 2 N³ and 2 α/(1 - α)", "2N3"),
    ],
)
def test_a_formula_is_whole(text, letters):
    formulas = re.findall(r"<math[^>]*>(.*?)</math>", sentence(text))
    assert any(letters in re.sub(r"<[^>]*>|\s", "", html.unescape(one)) for one in formulas)


def test_a_number_that_counts_is_no_factor():
    assert bare(sentence("on 6 trainings, at rank 8 P(τ)")).startswith("on 6 trainings, at rank 8 ")


def test_names_of_code_are_code():
    assert sentence("From `copying_threshold` and `a<b`.") == (
        "From <code>copying_threshold</code> and <code>a&lt;b</code>."
    )


@pytest.mark.parametrize("word", [")" * 100_000 + "x", "x(" * 50_000 + ")" * 50_000, "." * 100_000 + "a"])
def test_endless_words_take_no_time(word):
    began = time.process_time()
    assert sentence(word) == word
    assert time.process_time() - began < 5


def test_ids_of_claims_are_words():
    assert sentence("As T4.4, E3 and P4 say of F2, GPT-2.") == "As T4.4, E3 and P4 say of F2, GPT-2."


def test_brackets_of_a_sentence_stay():
    assert sentence("at (N = 8), or").startswith('at <span class="whole">(<math ')
    assert "span" not in sentence("at N or")
    assert bare(sentence("(N = 8)")) == "(<mi>N</mi><mo>=</mo><mn>8</mn>)"
    assert bare(sentence("levels (α, π) of it")).startswith("levels (<mi>α</mi>, <mi>π</mi>) of it")


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "a <b>x</b> = 1", "\"'&<>", "x=<img/src=x>", "α<b>_</b>", "--model x", "GPT-2", "F2"],
)
def test_hostile_words_are_escaped(text):
    found = re.sub(r"</?m[a-z]+(?: [a-z]+=\"[^\"]*\")*>", "", sentence(text))
    assert "<" not in found and '"' not in found.replace("&quot;", "")


def test_every_sentence_of_the_ledger_keeps_its_words():
    for claim in load_claims().values():
        for text in (claim.statement, claim.scope, claim.found, claim.paper, claim.limits):
            assert text.count("(") - text.count("√(") >= sentence(text).count("(")
            for word in re.findall(r"[a-z]{5,}", text):
                assert word in sentence(text) or word in ("alpha", "kappa", "lambda", "gamma", "sigma")


def test_a_docstring_in_parts():
    parts = ["The law\nof it.", "    a_k = 1   for k < N,\n    b = `x`      (3)", "Args:\n    x: no equation"]
    text = "\n\n".join([*parts, "    from x import y\n    y()"])
    proofs = {3: (Proof("tests/a.py::test_b", "sympy", (3,)), Proof("tests/a.py::test_c", "balls", (3,)))}
    paragraph, equations, code = blocks(text, proofs)
    assert paragraph.text == "The law of it."
    first, second = equations.equations
    assert first.drawn is not None and first.number is None and first.proofs == ()
    assert second.drawn is None and second.text == "b = `x`" and second.number == 3
    assert (second.mark, second.tests) == ("sympy and balls", "tests/a.py::test_b, tests/a.py::test_c")
    assert code.code == "from x import y\ny()"


def test_equations_of_the_chapter_alone_are_marked():
    proofs = [Proof("a.py::b", "sympy", (4,)), Proof("c.py::d", "fractions")]
    [found] = derivations(["theory.one_step.gradients"], proofs, ROOT)
    assert (found.path, found.line) == ("theory/one_step/gradients.py", 1)
    marks = {one.number: one.mark for block in found.blocks for one in block.equations if one.number}
    assert marks[4] == "sympy" and marks[7] == ""
    chapters = derivations(["theory.one_step.gradients", "theory.key_query.step"], proofs, ROOT)
    marked = [one for one in chapters[1].blocks for line in one.equations if line.proofs]
    assert not marked


@pytest.mark.parametrize("name", load_claims())
def test_derivations_of_the_ledger_are_typeset_and_have_what_is_proved(name):
    """Every equation of what states a claim is typeset, and every number that a proof names is one of them."""
    claim = load_claims()[name]
    parts = [block for one in derivations(claim.theory, claim.proof, ROOT) for block in one.blocks]
    found = [line for block in parts for line in block.equations]
    assert [line.text for line in found if line.drawn is None] == []
    named = {number for proof in claim.proof for number in proof.equations}
    assert named <= {line.number for line in found}
    assert named <= {line.number for line in found if line.mark}
    assert parts or not claim.theory


def test_modules_of_theory_are_typeset():
    drawn = missing = 0
    for path in sorted((ROOT / "theory").glob("*/*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for one in derivations([name], [], ROOT)[0].blocks:
            drawn += sum(line.drawn is not None for line in one.equations)
            missing += sum(line.drawn is None for line in one.equations)
    assert missing == 0 and drawn > 50


def test_names_in_a_record_are_not_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stranger.py").write_text('"""Derived elsewhere."""\n')
    claim = claim_record("T1.1", *FOUND["T1.1"], theory=("stranger",), proof=())
    assert write_report(run_of([claim]), tmp_path / "report", "none") == []
    shown = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "stranger" not in sys.modules and "Derived elsewhere" not in shown
    assert "Derivation of T1.1" in shown
