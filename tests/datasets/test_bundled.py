"""The bundled files: what they count, where they come from, and that nothing else is done to them."""

import hashlib
import io
import re
import zipfile

import pandas as pd
import pytest

from salesops import datasets

LOADERS = [datasets.lastfm_asia, datasets.physicians, datasets.lazega, datasets.crm_sales]


@pytest.fixture(scope="module")
def crm():
    return datasets.crm_sales()


def test_lastfm_asia_counts_what_its_docstring_says():
    data = datasets.lastfm_asia()
    assert len(data.people) == 7_624
    assert len(data.ties) == 27_806
    sizes = data.people["country"].value_counts()
    assert (len(sizes), sizes.max(), sizes.min()) == (18, 1_572, 16)
    country = data.people.set_index("person_id")["country"]
    inside = data.ties["source"].map(country) == data.ties["target"].map(country)
    assert round(100 * inside.mean(), 1) == 87.4


def test_lastfm_asia_ties_name_only_known_people_once_each():
    data = datasets.lastfm_asia()
    ends = pd.concat([data.ties["source"], data.ties["target"]])
    assert set(ends) == set(data.people["person_id"])
    pairs = {frozenset(pair) for pair in data.ties[["source", "target"]].itertuples(index=False)}
    assert len(pairs) == len(data.ties)
    assert min(len(pair) for pair in pairs) == 2
    assert (data.ties["weight"] == 1).all()


def test_physicians_counts_what_its_docstring_says():
    data = datasets.physicians()
    assert data.ties["kind"].value_counts().to_dict() == {
        "advice": 480,
        "friendship": 310,
        "discussion": 309,
    }
    towns = data.people["city"].value_counts().to_dict()
    assert towns == {"Peoria": 117, "Bloomington": 50, "Quincy": 44, "Galesburg": 35}
    assert data.people["adopted"].value_counts(dropna=False).to_dict() == {True: 109, False: 16, pd.NA: 121}
    assert data.study["detail"].value_counts(dropna=False).to_dict() == {1: 95, 0: 17, pd.NA: 13}
    assert data.study.shape == (125, 61)


def test_physicians_ties_stay_inside_one_town():
    data = datasets.physicians()
    town = data.people.set_index("person_id")["city"]
    assert (data.ties["source"].map(town) == data.ties["target"].map(town)).all()


def test_a_physician_without_prescription_data_has_no_adoption_month():
    people = datasets.physicians().people
    assert people["adopted_in"].dropna().between(1, 18).all()
    assert people.loc[people["adopted"].isna(), "adopted_in"].isna().all()
    assert (people.loc[people["adopted"].eq(False).fillna(False), "adopted_in"] == 18).all()


def test_the_study_rows_are_the_physicians_with_prescription_data():
    data = datasets.physicians()
    joined = data.study.merge(data.people, on="person_id", suffixes=("_study", ""), validate="one_to_one")
    assert len(joined) == 125
    assert (joined["toa"] == joined["adopted_in"]).all()
    towns = {1: "Peoria", 2: "Bloomington", 3: "Quincy", 4: "Galesburg"}
    assert (joined["city_study"].map(towns) == joined["city"]).all()
    assert (joined["nojourn"] == joined["jours"]).all()


def test_lazega_counts_what_its_docstring_says():
    data = datasets.lazega()
    assert data.ties["kind"].value_counts().to_dict() == {"cowork": 1_104, "advice": 892, "friends": 575}
    assert data.people["office"].value_counts().to_dict() == {"Boston": 48, "Hartford": 19, "Providence": 4}
    assert data.people["status"].value_counts().to_dict() == {"partner": 36, "associate": 35}
    office = data.people.set_index("person_id")["office"]
    inside = data.ties["source"].map(office) == data.ties["target"].map(office)
    share = inside.groupby(data.ties["kind"]).mean()
    assert (100 * share).round().astype(int).to_dict() == {"advice": 78, "cowork": 77, "friends": 86}


def test_lazega_cowork_is_reported_from_one_side_in_348_cases():
    ties = datasets.lazega().ties
    cowork = ties[ties["kind"] == "cowork"]
    told = set(zip(cowork["source"], cowork["target"], strict=True))
    mutual = sum((b, a) in told for a, b in told)
    assert (mutual // 2, len(told) - mutual) == (378, 348)


def test_crm_sales_counts_what_its_docstring_says(crm):
    assert (len(crm.deals), len(crm.accounts), len(crm.products), len(crm.teams)) == (8_800, 85, 7, 35)
    assert crm.deals["outcome"].value_counts().to_dict() == {"won": 4_238, "lost": 2_473, "open": 2_089}
    assert crm.deals["stage"].value_counts().to_dict() == {
        "won": 4_238,
        "lost": 2_473,
        "engaging": 1_589,
        "prospecting": 500,
    }
    assert crm.deals.loc[crm.deals["outcome"] == "won", "amount"].sum() == 10_005_534
    assert (crm.teams["manager_id"].nunique(), crm.teams["region"].nunique()) == (6, 3)
    assert crm.deals["deal_id"].is_unique


def test_crm_sales_spans_the_dates_its_docstring_says(crm):
    created, closed = crm.deals["created_on"], crm.deals["closed_on"]
    assert (created.min(), created.max()) == (pd.Timestamp("2016-10-20"), pd.Timestamp("2017-12-27"))
    assert (closed.min(), closed.max()) == (pd.Timestamp("2017-03-01"), pd.Timestamp("2017-12-31"))
    assert (closed.dropna() >= created[closed.notna()]).all()


def test_crm_sales_keeps_the_defects_of_its_source(crm):
    assert (crm.deals["product"] == "GTXPro").sum() == 1_480
    assert (crm.accounts["sector"] == "technolgy").sum() == 12
    assert (crm.accounts["office_location"] == "Philipines").sum() == 1
    assert crm.deals["account_id"].isna().sum() == 1_425
    assert crm.deals["created_on"].isna().sum() == 500
    assert len(set(crm.teams["rep_id"]) - set(crm.deals["rep_id"])) == 5
    assert crm.changes == ()


def test_crm_sales_cleaned_changes_three_spellings_and_says_so(crm):
    clean = datasets.crm_sales(cleaned=True)
    assert set(clean.deals["product"]) == set(clean.products["product"])
    assert (clean.accounts["sector"] == "technology").sum() == 12
    assert (clean.accounts["office_location"] == "Philippines").sum() == 1
    assert len(clean.changes) == 3
    untouched = [name for name in crm.deals.columns if name != "product"]
    pd.testing.assert_frame_equal(clean.deals[untouched], crm.deals[untouched])


def test_crm_sales_amounts_are_exact_integers(crm):
    assert str(crm.deals["amount"].dtype) == "Int64"
    assert crm.deals.loc[crm.deals["outcome"] == "open", "amount"].isna().all()


def test_the_crm_history_has_one_row_per_dated_event(crm):
    history = crm.history()
    assert len(history) == 8_300 + 4_238 + 2_473
    assert history["entered_on"].notna().all()
    assert not history.duplicated(["deal_id", "stage"]).any()
    assert history["entered_on"].is_monotonic_increasing


def test_the_crm_history_knows_no_amount_before_the_outcome(crm):
    history = crm.history()
    begun = history["stage"] == "engaging"
    assert history.loc[begun, "amount"].isna().all()
    assert history.loc[~begun, "amount"].notna().all()


def test_the_crm_history_begins_each_closed_deal_before_it_ends(crm):
    history = crm.history()
    first = history.drop_duplicates("deal_id", keep="first")
    assert (first["stage"] == "engaging").all()


@pytest.mark.parametrize("load", LOADERS)
def test_each_call_gives_fresh_tables(load):
    once, again = load(), load()
    for name, frame in once._tables().items():
        frame.iloc[:, 0] = frame.iloc[::-1, 0].to_numpy()
        assert frame is not getattr(again, name)
        assert not frame.equals(getattr(again, name))


@pytest.mark.parametrize("load", LOADERS)
def test_a_data_set_shows_itself_shortly(load):
    data = load()
    assert len(repr(data)) < 120
    page = data._repr_html_()
    assert page.count("<table>") == len(data._tables())
    assert len(page) < 20_000


def test_the_crm_card_says_that_the_company_is_fictitious(crm):
    assert "Fictitious" in crm._repr_html_()


@pytest.mark.parametrize("load", LOADERS)
def test_each_loader_states_provenance_and_licence(load):
    assert "Provenance:" in load.__doc__
    assert "Licence:" in load.__doc__


def test_the_notices_list_every_bundled_file_with_its_digest(root):
    folder = root / "salesops" / "data"
    listed = dict(
        re.findall(r"\| `([^`]+)` \|[^|]*\| `([0-9a-f]{64})` \|", (folder / "README.md").read_text())
    )
    present = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*/*")
    }
    assert listed == present


def test_the_bundled_data_stay_under_one_megabyte_in_a_wheel(root):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in (root / "salesops" / "data").rglob("*.*"):
            wheel.write(path)
    assert len(archive.getvalue()) < 1_000_000


@pytest.mark.parametrize(
    ("bundled", "source"),
    [
        ("lastfm_asia", "lastfm_asia"),
        ("physicians", "physicians_innovation"),
        ("lazega", "lazega_lawyers"),
        ("crm_sales", "crm_sales_opportunities"),
    ],
)
def test_the_bundled_files_are_those_of_the_source(root, shared, bundled, source):
    for path in (root / "salesops" / "data" / bundled).iterdir():
        assert path.read_bytes() == (shared / "data" / source / path.name).read_bytes(), path.name
