"""The distribution of a sum of deals beside 10,000 draws in NumPy."""

import argparse
import platform
import time

import numpy as np

import salesops
from salesops.forecast import Distribution


def options(command):
    """Add the arguments of this subject."""
    command.add_argument("--deals", type=int, default=100_000)
    command.add_argument("--draws", type=int, default=10_000)


def timed(work):
    """Run once: result, wall seconds, seconds of the processor."""
    wall, own = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - own


def drawn(p, a, n_draws, rng):
    """Draw totals, some at a time: what a simulation would do."""
    totals = np.empty(n_draws)
    for start in range(0, n_draws, 50):
        block = slice(start, min(start + 50, n_draws))
        totals[block] = (rng.random((block.stop - start, len(p))) < p) @ a
    return totals


def exact_cdf(p, units, at):
    """Give the distribution function another way: by convolving deal by deal."""
    mass = np.ones(1)
    for unit in np.unique(units):
        own = np.ones(1)
        for chance in p[units == unit]:
            own = np.convolve(own, [1 - chance, chance])
        spread = np.zeros((len(own) - 1) * unit + 1)
        spread[::unit] = own
        size = len(mass) + len(spread) - 1
        mass = np.fft.irfft(np.fft.rfft(mass, size) * np.fft.rfft(spread, size), size)
    return np.cumsum(mass)[at]


def run(arguments):
    """Print error, times and ratios."""
    rng = np.random.default_rng(1)
    n = arguments.deals
    p = rng.beta(1, 3, n)
    print(f"salesops {salesops.__version__}, numpy {np.__version__}, Python {platform.python_version()}")
    for name, a in (
        ("amounts in cents", np.round(rng.lognormal(9, 1.2, n), 2)),
        ("whole units 1 to 20", rng.integers(1, 21, n).astype(float)),
    ):
        total, wall, own = timed(lambda a=a: (law := Distribution.of_deals(p, a), law.law)[0])
        totals, wall_draws, own_draws = timed(lambda a=a: drawn(p, a, arguments.draws, rng))
        target = total.mean * 1.002
        _, wall_target, _ = timed(lambda total=total, target=target: total.probability_of(target))
        _, wall_rest, _ = timed(lambda total=total, target=target: total.without(7).probability_of(target))
        print(f"{name}: {n:,} deals: {wall:.2f} s (processor {own:.2f}); {total.explain()}")
        print(
            f"  {arguments.draws:,} draws {wall_draws:.2f} s (processor {own_draws:.2f}): ratio wall "
            f"{wall_draws / wall:.0f}, processor {own_draws / own:.0f}; "
            f"P(target) {1e3 * wall_target:.1f} ms, without a deal {1e3 * wall_rest:.1f} ms; "
            f"P(target) {total.probability_of(target):.4f} against drawn {(totals >= target).mean():.4f}"
        )
    units = rng.integers(1, 21, n)
    total = Distribution.of_deals(p, units)
    at = np.unique(np.clip(total.quantile(np.linspace(0.001, 0.999, 101)), 0, None).astype(np.int64))
    error = np.abs(total.cdf(at) - exact_cdf(p, units, at)).max()
    print(f"largest error of the cdf at {len(at)} points against convolution deal by deal: {error:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    options(parser)
    run(parser.parse_args())
