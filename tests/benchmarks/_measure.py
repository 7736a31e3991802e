"""Peak memory, bandwidth and versions, measured where a benchmark runs."""

import importlib.metadata
import os
import platform
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SIZES = {"XS": (1_000, 20, 10_000), "S": (10_000, 100, 100_000), "M": (100_000, 300, 1_000_000)}
SIZES["L"] = (1_000_000, 1_000, 10_000_000)
"""Leads, reps, ties."""


def peak_mib() -> float:
    """Most memory this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def resident_mib() -> float:
    """Memory this process holds; where the system does not tell, the most it has held."""
    held = Path("/proc/self/statm")
    return int(held.read_text().split()[1]) * resource.getpagesize() / 2**20 if held.exists() else peak_mib()


def bandwidth(n_threads: int) -> float:
    """Bytes a second that copies of large arrays move, read and written, over all threads."""
    source = [np.ones(1 << 23) for _ in range(n_threads)]
    target = [np.zeros(1 << 23) for _ in range(n_threads)]
    best = np.inf
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in range(8):
            began = time.perf_counter()
            list(pool.map(np.copyto, target, source))
            best = min(best, time.perf_counter() - began)
    return 2 * sum(array.nbytes for array in source) / best


def machine() -> str:
    """Where this ran."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {platform.machine()}, {len_processors()} processors{load}"


def len_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def version(package: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
