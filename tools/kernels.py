"""Run tests as machines with other processors would: with other kernels of BLAS, NumPy and PyTorch.

Each line of the table in :func:`table` is one run, given by variables of the environment. Pytest
gets what stands on the command line. The exit status is 0 if all passed that could be run here.
"""

import argparse
import json
import os
import platform
import subprocess
import sys

OWN = "this machine's own"
CHOOSERS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES",
            "NPY_ENABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY")  # fmt: skip


def table(here):
    """Map each name to the variables that choose the kernels, or to why that cannot be done here.

    ``here`` is what :func:`kernels` says without any of them.
    """
    can = here["always"] + here["NumPy"]
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    avx512 = any(map(is_avx512, can)) or "the processor has no AVX-512"
    avx2 = any(is_avx512(name) or is_avx2(name) for name in can) or "the processor has no AVX2"
    return {
        OWN: {},
        "Haswell": blas("Haswell", avx2),
        "Prescott": blas("Prescott", x86 or "no x86 processor"),
        "SkylakeX": blas("SkylakeX", avx512),
        "Zen": blas("Zen", avx2),
        "NumPy without AVX-512": without(filter(is_avx512, here["NumPy"])),
        "NumPy without AVX2": without(f for f in here["NumPy"] if is_avx512(f) or is_avx2(f)),
        "PyTorch's plain kernels": {"ATEN_CPU_CAPABILITY": "default"}
        if here["PyTorch"]
        else "no PyTorch here",
    }


def is_avx512(feature):
    return "AVX512" in feature or feature == "X86_V4"  # NumPy's name for it before 2.4, and since


def is_avx2(feature):
    return feature in ("AVX2", "FMA3", "X86_V3")


def blas(coretype, possible):
    return {"OPENBLAS_CORETYPE": coretype} if possible is True else possible


def without(features):
    """Switch off what NumPy chooses at run time; without what it was built for it cannot do."""
    names = " ".join(features)
    return {"NPY_DISABLE_CPU_FEATURES": names} if names else "NumPy has no such kernels here"


def kernels():
    """Return what this process computes with, and what NumPy was built to take for granted.

    Two names may stand for one kernel: OpenBLAS's Prescott calls itself Katmai, and its Zen is
    Haswell.
    """
    import numpy as np
    import scipy.linalg  # brings a BLAS of its own
    import threadpoolctl

    assert scipy.linalg
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    try:
        from torch.backends.cpu import get_cpu_capability as torch_kernels
    except ImportError:
        torch_kernels = str
    libraries = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return {
        "BLAS": sorted({pool.get("architecture", pool["internal_api"]) for pool in libraries}),
        "NumPy": simd.get("found", []),
        "PyTorch": torch_kernels(),
        "always": simd.get("baseline", []),
    }


def environment(settings):
    """Return the environment with these variables, and none of the others that choose kernels."""
    rest = {name: value for name, value in os.environ.items() if name not in CHOOSERS}
    return rest | settings


def ask(settings):
    """Return what a process with these variables computes with."""
    command = [sys.executable, __file__, "--show"]
    said = subprocess.run(
        command, env=environment(settings), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(said.stdout)


def run(settings, arguments):
    """Run pytest with these variables; return its exit status and the last line it wrote."""
    command = [sys.executable, "-m", "pytest", "-n", "auto", "--quiet", *arguments]
    last = ""
    with subprocess.Popen(
        command, env=environment(settings), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--show", action="store_true", help="say what this process computes with")
    parser.add_argument("--only", metavar="NAME", help="run this line of the table alone")
    options, arguments = parser.parse_known_args()
    if options.show:
        print(json.dumps(kernels()))
        return 0
    lines = table(ask({}))
    if options.only:
        if options.only not in lines:
            parser.error(f"no line '{options.only}': there are {', '.join(lines)}")
        lines = {options.only: lines[options.only]}
    seen, results, failed = {}, {}, False
    for name, settings in lines.items():
        found = {} if isinstance(settings, str) else ask(settings)
        same = next((other for other, kernels in seen.items() if kernels == found), None)
        if not found or same:
            results[name] = f"skipped: {settings if not found else f'{told(found)}, as in {same}'}"
            continue
        seen[name] = found
        print(f"=== {name}: {told(found)}", flush=True)
        status, last = run(settings, arguments)
        failed |= status != 0
        results[name] = f"{last}, with {told(found)}"
    for name, result in results.items():
        print(f"{name:24} {result}")
    return int(failed)


def told(found):
    """Write what :func:`kernels` has found."""
    numpy = " ".join(found["NumPy"]) or "its plain kernels"
    blas = ", ".join(found["BLAS"])
    return f"BLAS: {blas}; NumPy: {numpy}; PyTorch: {found['PyTorch'] or 'none'}"


if __name__ == "__main__":
    sys.exit(main())
