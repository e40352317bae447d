"""The command behind `make kernels`: what each of its runs computes with, and what it says."""

import os
import sys

import kernels
import pytest

OLD_NAMES = {"always": ["SSE2"], "NumPy": ["AVX2", "FMA3", "AVX512F"], "PyTorch": "AVX512"}
NEW_NAMES = {"always": ["X86_V2"], "NumPy": ["X86_V3", "X86_V4", "AVX512_ICL"], "PyTorch": "AVX512"}
AVX2 = {"always": ["X86_V2"], "NumPy": ["X86_V3"], "PyTorch": "AVX2"}
BUILT_FOR_AVX2 = {"always": ["X86_V2", "X86_V3"], "NumPy": [], "PyTorch": ""}
ARM = {"always": ["NEON"], "NumPy": ["ASIMDHP", "SVE"], "PyTorch": "DEFAULT"}


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes this look like another kind of machine."""
    return lambda kind: monkeypatch.setattr("platform.machine", lambda: kind)


def switched_off(line):
    return line["NPY_DISABLE_CPU_FEATURES"].split()


@pytest.fixture(scope="module")
def lines():
    """Return the table of this machine."""
    return kernels.table(kernels.ask({}))


def test_the_first_run_is_with_the_kernels_that_the_machine_chooses_itself(lines):
    assert next(iter(lines.items())) == (kernels.OWN, {})


@pytest.mark.parametrize("here", [OLD_NAMES, NEW_NAMES])
def test_all_kernels_are_tried_where_the_processor_has_avx_512(machine, here):
    machine("x86_64")
    assert all(isinstance(settings, dict) for settings in kernels.table(here).values())


@pytest.mark.parametrize(("here", "left"), [(OLD_NAMES, ["AVX2", "FMA3"]), (NEW_NAMES, ["X86_V3"])])
def test_numpy_does_without_avx_512_by_the_names_that_it_has_for_it(machine, here, left):
    machine("AMD64")
    lines = kernels.table(here)
    less, least = (switched_off(lines[f"NumPy without {name}"]) for name in ("AVX-512", "AVX2"))
    assert [name for name in here["NumPy"] if name not in less] == left
    assert least == here["NumPy"]


def test_skylakex_needs_avx_512_and_haswell_avx2(machine):
    machine("x86_64")
    lines = kernels.table(AVX2)
    assert lines["SkylakeX"] == "the processor has no AVX-512"
    assert lines["NumPy without AVX-512"] == "NumPy has no such kernels here"
    assert lines["Haswell"] == {"OPENBLAS_CORETYPE": "Haswell"}
    old = kernels.table({"always": ["X86_V2"], "NumPy": [], "PyTorch": ""})
    assert old["Haswell"] == old["Zen"] == "the processor has no AVX2"
    assert old["PyTorch's plain kernels"] == "no PyTorch here"


def test_numpy_is_not_asked_to_do_without_what_it_was_built_for(machine):
    machine("x86_64")
    lines = kernels.table(BUILT_FOR_AVX2)
    assert lines["Zen"] == {"OPENBLAS_CORETYPE": "Zen"}
    assert lines["NumPy without AVX2"] == "NumPy has no such kernels here"


def test_on_other_processors_only_pytorch_has_other_kernels(machine):
    machine("arm64")
    possible = [name for name, line in kernels.table(ARM).items() if isinstance(line, dict)]
    assert possible == [kernels.OWN, "PyTorch's plain kernels"]


def test_no_other_variable_chooses_the_kernels(monkeypatch):
    for name in kernels.CHOOSERS:
        monkeypatch.setenv(name, "Prescott")
    chosen = kernels.environment({"ATEN_CPU_CAPABILITY": "default"})
    assert {name: chosen[name] for name in kernels.CHOOSERS if name in chosen} == {
        "ATEN_CPU_CAPABILITY": "default"
    }
    assert chosen.keys() >= os.environ.keys() - set(kernels.CHOOSERS)


@pytest.mark.exhaustive  # starts a process for each kernel
def test_what_is_switched_off_does_not_run(lines):
    for name, feature in [("AVX-512", kernels.is_avx512), ("AVX2", kernels.is_avx2)]:
        settings = lines[f"NumPy without {name}"]
        if isinstance(settings, dict):
            assert not any(map(feature, kernels.ask(settings)["NumPy"]))
    if isinstance(lines["PyTorch's plain kernels"], dict):
        assert kernels.ask(lines["PyTorch's plain kernels"])["PyTorch"] == "DEFAULT"


TINY = """
import os

def test_only_one_kernel_fails():
    assert os.environ.get("OPENBLAS_CORETYPE") != "Prescott"

def test_something_else():
    pass
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command on two tests, with a table of its own."""
    path = tmp_path / "test_tiny.py"
    path.write_text(TINY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernels, "table", lambda here: LINES)
    monkeypatch.setattr(kernels, "ask", lambda line: AVX2 | {"BLAS": sorted(line.values())})

    def run(*options):
        command = ["kernels.py", *options, "-p", "no:cacheprovider", str(path)]
        monkeypatch.setattr(sys, "argv", command)
        return kernels.main(), capsys.readouterr().out.splitlines()

    return run


LINES = {
    kernels.OWN: {},
    "plain": {"OPENBLAS_CORETYPE": "Prescott"},
    "the same": {"OPENBLAS_CORETYPE": "Prescott"},
    "missing": "the processor has none",
}


@pytest.mark.exhaustive  # starts a process for each kernel
def test_a_test_that_fails_with_one_kernel_fails_the_command(run):
    status, said = run()
    assert status == 1
    own, plain, same, missing = said[-4:]
    assert own.startswith(kernels.OWN) and "2 passed" in own
    assert "1 failed, 1 passed" in plain and "BLAS: Prescott" in plain
    assert "skipped" in same and same.endswith("as in plain")
    assert missing.endswith("skipped: the processor has none")


def test_one_line_of_the_table_can_be_run_alone(run, monkeypatch):
    monkeypatch.setattr(kernels, "run", lambda line, arguments: (0, f"{len(arguments)} arguments"))
    status, said = run("--only", kernels.OWN)
    assert status == 0
    assert [line.startswith((kernels.OWN, "===")) for line in said] == [True, True]
    assert "3 arguments" in said[-1]
