import networkx as nx
import numpy as np
import pytest

from salesops.errors import InvalidInput
from salesops.territory import assign, proximity
from salesops.territory._layout import layout

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def karate_plan(**options):
    reps, leads = {"rep_id": [0, 33]}, {"lead_id": list(range(1, 33))}
    return assign(reps, leads, proximity(nx.karate_club_graph(), reps, leads), **options)


def test_the_map_draws_every_lead_and_rep():
    from matplotlib import pyplot

    ax = karate_plan().plot()
    drawn = sum(len(part.get_offsets()) for part in ax.collections[1:])
    assert drawn == 32 + 2 + 2
    assert "2 territories" in ax.get_title()
    pyplot.close(ax.figure)


def test_the_map_draws_on_the_axes_it_is_given():
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    assert karate_plan().plot(ax) is ax
    pyplot.close(figure)


def test_a_plan_without_a_network_cannot_be_drawn():
    plan = assign(
        {"rep_id": ["r"]}, {"lead_id": ["p"]}, score={"rep_id": ["r"], "lead_id": ["p"], "score": [1]}
    )
    with pytest.raises(InvalidInput, match="holds no network"):
        plan.plot()


def test_the_layout_is_always_the_same_and_keeps_friends_together():
    graph = nx.planted_partition_graph(2, 40, 0.4, 0.01, seed=1)
    adjacency = nx.to_scipy_sparse_array(graph, format="csr")
    place = layout(adjacency)
    assert np.array_equal(place, layout(adjacency))
    centres = [place[:40].mean(axis=0), place[40:].mean(axis=0)]
    spread = np.mean([np.hypot(*(place[k * 40 : k * 40 + 40] - centres[k]).T).mean() for k in (0, 1)])
    assert np.hypot(*(centres[0] - centres[1])) > 2 * spread
