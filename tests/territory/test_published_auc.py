"""The AUC table of Zhang and Chen (2018), found again; the whole of it is in tests/benchmarks."""

import networkx as nx
import pandas as pd
import pytest
from scipy import io, sparse

from salesops import territory

HEURISTICS = {
    "CN": territory.CommonNeighbours(),
    "Jaccard": territory.Jaccard(),
    "PA": territory.PreferentialAttachment(),
    "AA": territory.AdamicAdar(),
    "RA": territory.ResourceAllocation(),
    "Katz": territory.Katz(beta=0.001),
    "PR": territory.RandomWalk(restart=0.15),
}


@pytest.mark.parametrize(("name", "n_splits"), [("USAir", 10), ("Yeast", 1)])
def test_each_heuristic_is_within_a_point_and_a_half_of_the_published_figure(shared, name, n_splits):
    folder = shared / "data" / "seal_link_prediction"
    published = pd.read_csv(folder / "published_auc_table1.csv").set_index("Data").loc[name]
    graph = nx.from_scipy_sparse_array(sparse.csr_array(io.loadmat(folder / f"{name}.mat")["net"]))
    people = territory.SocialGraph.from_networkx(graph, weight=None)
    ours = territory.validate(people, HEURISTICS, n_splits=n_splits, rng=2018).to_frame()
    for measure, auc in ours.set_index("measure")["auc"].items():
        if measure in HEURISTICS:
            assert 100 * auc == pytest.approx(float(published[measure].split("±")[0]), abs=1.5)
