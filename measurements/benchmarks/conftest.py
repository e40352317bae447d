"""Two threads for everyone, set before any library is imported, and what machine it was."""

import os
from importlib.metadata import version

THREADS = 2
os.environ.update(
    OPENBLAS_NUM_THREADS=str(THREADS),
    OMP_NUM_THREADS=str(THREADS),
    MKL_NUM_THREADS=str(THREADS),
    NPROC=str(THREADS),  # the size of XLA's thread pool
    JAX_PLATFORMS="cpu",
)
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # processes of the last minute
LIBRARIES = ["numpy", "torch", "jax", "jaxlib", "autograd", "mygrad", "pytest-benchmark"]


def pytest_benchmark_update_machine_info(config, machine_info):
    """Add to pytest-benchmark's record what a reader needs to compare it with their own."""
    from threadpoolctl import threadpool_info

    pools = {f"{p['internal_api']}, {p['num_threads']} threads" for p in threadpool_info()}
    machine_info["threads"], machine_info["load_before"] = THREADS, round(LOAD, 2)
    machine_info["pools"] = sorted(pools)
    machine_info["versions"] = {name: version(name) for name in LIBRARIES}
