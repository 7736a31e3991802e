"""Three real social networks: a web community, doctors with a new drug, and a law firm."""

from __future__ import annotations

from typing import ClassVar

import attrs
import pandas as pd

from salesops.datasets._tables import Tables, read, whole

_NOT_ADOPTED = 18
_TOWN = {1: "Peoria", 2: "Bloomington", 3: "Quincy", 4: "Galesburg"}
_STATUS = {1: "partner", 2: "associate"}
_GENDER = {1: "man", 2: "woman"}
_OFFICE = {1: "Boston", 2: "Hartford", 3: "Providence"}
_PRACTICE = {1: "litigation", 2: "corporate"}
_LAW_SCHOOL = {1: "Harvard or Yale", 2: "UConn", 3: "other"}


@attrs.frozen(kw_only=True, repr=False, eq=False)
class LastfmAsia(Tables):
    """The tables of :func:`lastfm_asia`.

    Parameters
    ----------
    ties : pandas.DataFrame
        ``source``, ``target``, ``weight``; one row per friendship, undirected, weight 1.
    people : pandas.DataFrame
        ``person_id`` (0 to 7623), ``country`` (an anonymous code, 0 to 17).

    Examples
    --------
    >>> lastfm_asia()
    LastfmAsia(ties=27,806 rows, people=7,624 rows)
    """

    ties: pd.DataFrame
    people: pd.DataFrame

    _title: ClassVar[str] = "LastFM Asia: friendships and countries"


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Physicians(Tables):
    """The tables of :func:`physicians`.

    Parameters
    ----------
    ties : pandas.DataFrame
        ``source``, ``target``, ``kind`` (advice, discussion, friendship); directed, as the source named
        the target.
    people : pandas.DataFrame
        ``person_id``, ``city``, ``adopted_in``, ``adopted`` and eleven answers under their codes.
    study : pandas.DataFrame
        The 125 doctors with prescription data: ``person_id`` and the 60 columns of the cleaned study.

    Examples
    --------
    >>> physicians()
    Physicians(ties=1,099 rows, people=246 rows, study=125 rows)
    """

    ties: pd.DataFrame
    people: pd.DataFrame
    study: pd.DataFrame

    _title: ClassVar[str] = "Physicians: advice, friendship and the adoption of a new drug"


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Lazega(Tables):
    """The tables of :func:`lazega`.

    Parameters
    ----------
    ties : pandas.DataFrame
        ``source``, ``target``, ``kind`` (advice, cowork, friends); directed, as the source named the target.
    people : pandas.DataFrame
        ``person_id`` (1 to 71), ``status``, ``gender``, ``office``, ``seniority``, ``age``, ``practice``,
        ``law_school``.

    Examples
    --------
    >>> lazega()
    Lazega(ties=2,571 rows, people=71 rows)
    """

    ties: pd.DataFrame
    people: pd.DataFrame

    _title: ClassVar[str] = "Lazega: advice, co-work and friendship in a law firm"


def lastfm_asia() -> LastfmAsia:
    """Load a social network of 7,624 people in 18 countries, with 27,806 friendships.

    Who knows whom beside where they live: the smallest honest test of territories by social proximity
    against territories by country. 87.4 % of the friendships stay inside one country.

    Returns
    -------
    LastfmAsia
        ``ties`` with 27,806 rows, ``people`` with 7,624 rows. The countries are anonymous codes; the largest
        holds 1,572 people, the smallest 16. Nobody is without a tie, no tie repeats, and nobody is tied to
        themselves.

    Notes
    -----
    Provenance: public GitHub repository ``benedekrozemberczki/FEATHER`` at commit 045db7963fb3, collected
    from the public LastFM interface in March 2020. Licence: MIT. The two files are bundled unchanged.
    What was altered on reading: ``node_1``, ``node_2``, ``id`` and ``target`` became ``source``, ``target``,
    ``person_id`` and ``country``, and every tie was given the weight 1.

    References
    ----------
    Rozemberczki, B. and Sarkar, R. (2020). Characteristic Functions on Graphs: Birds of a Feather, from
    Statistical Descriptors to Parametric Models. CIKM.

    Examples
    --------
    >>> data = lastfm_asia()
    >>> len(data.people), len(data.ties), data.people["country"].nunique()
    (7624, 27806, 18)
    """
    ties = read("lastfm_asia/edges.csv.gz").rename(columns={"node_1": "source", "node_2": "target"})
    people = read("lastfm_asia/country.csv.gz").rename(columns={"id": "person_id", "target": "country"})
    return LastfmAsia(ties=ties.assign(weight=1.0), people=people)


def physicians() -> Physicians:
    """Load 246 doctors in four towns, who asks whom for advice, and when each first prescribed a new drug.

    The classic data of social influence on buying: real prospects, real ties, a dated first purchase, and
    whether the drug maker's sales representative (the "detail man") was a source.

    Returns
    -------
    Physicians
        ``ties`` with 1,099 rows: advice 480, discussion 309, friendship 310, all within one town.
        ``people`` with 246 rows: Peoria 117, Bloomington 50, Quincy 44, Galesburg 35.
        ``study`` with 125 rows: the doctors whose prescriptions were read, in the order of ``people``.

    Notes
    -----
    Provenance: public GitHub repository ``schochastics/networkdata`` at commit 8e4994bc2616 (``ties``,
    ``people``) and public GitHub repository ``USCCANA/netdiffuseR`` at commit f16350e50312 (``study``).
    Licence: both packages are MIT. The three files are bundled unchanged. The doctors are anonymous.

    ``adopted_in`` is the month of the first prescription: 1 is November 1953, 17 is February 1955, and
    **18 means that none was found by the end** (right-censored; 16 doctors). It is missing for the 121
    doctors without prescription data (source codes 98 and 99; 91 and 30 doctors). ``adopted`` says the
    same as true (109), false (16) or missing (121).

    The other answers keep the codes of the source, in which 9 means no answer:
    ``med_sch_yr`` year started in the profession (1 is 1919 or before, 2 to 5 later, 6 is 1945 or later);
    ``meetings`` 0 none, 1 general, 2 specialty; ``jours`` journals received (1 is two, 8 is nine or more);
    ``free_time`` 1 non-doctors, 2 both, 3 doctors; ``discuss`` medical talk 1 no, 2 yes, 3 indifferent;
    ``clubs`` 0 no, 1 yes; ``friends`` how many of three friends are doctors, plus 1;
    ``community`` years there (1 is one or less, 6 is more than twenty; one row holds an undocumented 8);
    ``patients`` office visits a week (1 is 25 or fewer, 6 is 151 or more);
    ``proximity`` other doctors in the building (1 none, 2 some, 3 same office, 4 perhaps);
    ``specialty`` 1 general practice, 2 internist, 3 pediatrician, 4 other.

    ``study`` keeps the names of the source, among them ``toa`` (time of adoption, 1 to 18, equal to
    ``adopted_in``) and ``detail`` (1 for 95 doctors, 0 for 17, missing for 13; the survey's exact wording was
    not re-read). Its rows carry no key to ``people``; ``person_id`` was added here by order, which is
    safe: city, month and journals received agree row by row for all 125.

    References
    ----------
    Coleman, J., Katz, E. and Menzel, H. (1966). Medical Innovation: A Diffusion Study.
    Burt, R. S. (1987). Social Contagion and Innovation: Cohesion versus Structural Equivalence.
    Valente, T. W. (1995). Network Models of the Diffusion of Innovations.
    Van den Bulte, C. and Lilien, G. L. (2001). Medical Innovation Revisited: Social Contagion versus
    Marketing Effort.

    Examples
    --------
    >>> data = physicians()
    >>> int(data.people["adopted"].sum()), int((data.people["adopted_in"] == 18).sum())
    (109, 16)
    """
    ties = read("physicians/edges.csv").rename(columns={"relation": "kind"})
    source = read("physicians/physicians.csv").apply(whole)
    month = source["adoption_date"].where(source["adoption_date"] <= _NOT_ADOPTED)
    people = source.drop(columns="adoption_date").rename(columns={"id": "person_id"})
    people = people.assign(person_id=people["person_id"].astype("int64"), city=people["city"].map(_TOWN))
    people.insert(2, "adopted_in", month)
    people.insert(3, "adopted", month < _NOT_ADOPTED)
    study = read("physicians/medInnovations.csv").apply(whole)
    study.insert(0, "person_id", people.loc[month.notna(), "person_id"].to_numpy())
    return Physicians(ties=ties, people=people, study=study)


def lazega() -> Lazega:
    """Load 71 lawyers of one firm in three offices, and who advises, befriends and works with whom.

    Several kinds of tie with different strengths on the same people, a hierarchy, and offices to compare
    social territories with.

    Returns
    -------
    Lazega
        ``ties`` with 2,571 rows: advice 892, cowork 1,104, friends 575 (78 %, 77 % and 86 % inside one
        office). ``people`` with 71 rows: Boston 48, Hartford 19, Providence 4; 36 partners, 35 associates.

    Notes
    -----
    Provenance: public GitHub repository ``schochastics/networkdata`` at commit 8e4994bc2616. Licence: the
    package is MIT; the data come with a request to cite Lazega (2001). The lawyers are anonymous. The two
    files are bundled unchanged; the number codes of ``status``, ``gender``, ``office``, ``practice`` and
    ``law_school`` were turned into words by the code book of the source, ``relation`` became ``kind``.
    ``seniority`` is years with the firm. A cowork tie is as the source lawyer reported it: 378 pairs agree,
    348 are reported from one side only.

    References
    ----------
    Lazega, E. (2001). The Collegial Phenomenon: The Social Mechanisms of Cooperation among Peers in a
    Corporate Law Partnership.

    Examples
    --------
    >>> data = lazega()
    >>> data.people["office"].value_counts().to_dict()
    {'Boston': 48, 'Hartford': 19, 'Providence': 4}
    """
    ties = read("lazega/edges.csv").rename(columns={"relation": "kind"})
    people = read("lazega/lawyers.csv").rename(columns={"id": "person_id"}).astype("int64")
    words = {
        "status": _STATUS,
        "gender": _GENDER,
        "office": _OFFICE,
        "practice": _PRACTICE,
        "law_school": _LAW_SCHOOL,
    }
    return Lazega(
        ties=ties, people=people.assign(**{name: people[name].map(code) for name, code in words.items()})
    )
