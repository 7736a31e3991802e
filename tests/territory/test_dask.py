"""Proximity driven by Dask: the caller's mapper, and the same bytes."""

import numpy as np
import pytest

from salesops import datasets, territory

dask = pytest.importorskip("dask", reason="dask is in the extra dask")


@pytest.fixture(scope="module")
def world():
    return datasets.make_territory(n_leads=900, n_reps=150, rng=6)


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("starts", "reps", "scores", "floor", "error")
    )


@pytest.mark.parametrize("method", ["random_walk", "introduction_path"])
def test_the_threaded_scheduler_gives_the_same_bytes(world, method):
    def mapper(function, items):
        return dask.compute(*[dask.delayed(function)(item) for item in items], scheduler="threads")

    graph = territory.SocialGraph.from_ties(world.ties)
    plain = territory.proximity(graph, world.reps, world.leads, method=method)
    assert same(territory.proximity(graph, world.reps, world.leads, method=method, mapper=mapper), plain)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_bytes(world):
    distributed = pytest.importorskip("distributed", reason="distributed is in the extra dask")
    graph = territory.SocialGraph.from_ties(world.ties)
    plain = territory.proximity(graph, world.reps, world.leads)
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        gathered = territory.proximity(
            graph,
            world.reps,
            world.leads,
            mapper=lambda function, items: client.gather(client.map(function, items)),
        )
        futures = territory.proximity(graph, world.reps, world.leads, mapper=client.map)
    assert same(gathered, plain)
    assert same(futures, plain)
