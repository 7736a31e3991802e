"""The pipeline of a fictitious seller of computer hardware."""

from __future__ import annotations

from typing import ClassVar

import attrs
import pandas as pd

from salesops.datasets._tables import Tables, read

_OUTCOME = {"won": "won", "lost": "lost", "engaging": "open", "prospecting": "open"}
_DEAL = {
    "opportunity_id": "deal_id",
    "sales_agent": "rep_id",
    "account": "account_id",
    "close_value": "amount",
    "engage_date": "created_on",
    "close_date": "closed_on",
    "deal_stage": "stage",
}
_DEAL_COLUMNS = [
    "deal_id",
    "rep_id",
    "account_id",
    "product",
    "amount",
    "currency",
    "created_on",
    "closed_on",
    "outcome",
    "stage",
]
_TEAM = {"sales_agent": "rep_id", "manager": "manager_id", "regional_office": "region"}
_CHANGES = (
    "deals.product: 'GTXPro' became 'GTX Pro' in 1,480 rows, as in products",
    "accounts.sector: 'technolgy' became 'technology' in 12 rows",
    "accounts.office_location: 'Philipines' became 'Philippines' in 1 row",
)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class CrmSales(Tables):
    """The tables of :func:`crm_sales`, and its history of stages.

    Parameters
    ----------
    deals : pandas.DataFrame
        ``deal_id``, ``rep_id``, ``account_id``, ``product``, ``amount`` (whole dollars, nullable integers),
        ``currency``, ``created_on``, ``closed_on``, ``outcome`` (won, lost, open), ``stage``.
    accounts : pandas.DataFrame
        ``account_id``, ``sector``, ``year_established``, ``revenue`` (million dollars a year),
        ``employees``, ``office_location``, ``subsidiary_of``.
    products : pandas.DataFrame
        ``product``, ``series``, ``sales_price`` (suggested retail price, dollars).
    teams : pandas.DataFrame
        ``rep_id``, ``manager_id``, ``region``.
    changes : tuple of str
        What ``cleaned=True`` altered; empty when nothing was.

    Examples
    --------
    >>> crm_sales()
    CrmSales(deals=8,800 rows, accounts=85 rows, products=7 rows, teams=35 rows)
    """

    deals: pd.DataFrame
    accounts: pd.DataFrame
    products: pd.DataFrame
    teams: pd.DataFrame
    changes: tuple[str, ...] = ()

    _title: ClassVar[str] = "CRM sales opportunities of a fictitious company"
    _notes: ClassVar[tuple[str, ...]] = ("Fictitious company: no real people, accounts or deals.",)

    def history(self) -> pd.DataFrame:
        """List the dated stage events of all deals, one row each, oldest first.

        Returns
        -------
        pandas.DataFrame
            ``deal_id``, ``stage`` (engaging, won, lost), ``entered_on``, ``amount``, ``rep_id``,
            ``account_id``, ``product``; 8,300 engaging, 4,238 won and 2,473 lost rows.

        Notes
        -----
        The 500 deals at the stage prospecting carry no date in the source and so give no event; they are in
        ``deals``. The source knows an amount only for closed deals, so ``amount`` stands on the outcome rows
        and is missing on the others: carried back to the first row it would be a look into the future. Rep,
        account and product are as the source has them today; it keeps no history of their changes.

        Examples
        --------
        >>> crm_sales().history()["stage"].value_counts().to_dict()
        {'engaging': 8300, 'won': 4238, 'lost': 2473}
        """
        kept = ["deal_id", "stage", "entered_on", "amount", "rep_id", "account_id", "product"]
        begun = self.deals[self.deals["created_on"].notna()]
        unknown = pd.Series(pd.NA, index=begun.index, dtype="Int64")
        begun = begun.assign(stage="engaging", entered_on=begun["created_on"], amount=unknown)
        ended = self.deals[self.deals["closed_on"].notna()]
        ended = ended.assign(entered_on=ended["closed_on"])
        events = pd.concat([begun[kept], ended[kept]], ignore_index=True)
        return events.sort_values(["entered_on", "deal_id"], kind="stable", ignore_index=True)


def crm_sales(*, cleaned: bool = False) -> CrmSales:
    """Load a pipeline of 8,800 deals with 85 accounts, 7 products and 35 reps of a **fictitious** company.

    A seller of computer hardware that does not exist; no real people, accounts or deals. Good for the
    funnel, win rates, cycle times (open deals are right-censored) and a commission run.

    Parameters
    ----------
    cleaned : bool, default False
        True puts right the three spellings listed under Notes and says so in ``changes``. False leaves
        every value as the source has it.

    Returns
    -------
    CrmSales
        ``deals`` with 8,800 rows: 4,238 won, 2,473 lost, 2,089 open (1,589 engaging, 500 prospecting).
        ``accounts`` 85 rows, ``products`` 7, ``teams`` 35 reps under 6 managers in 3 regions. Won deals
        sum to 10,005,534. Created 2016-10-20 to 2017-12-27, closed 2017-03-01 to 2017-12-31.

    Notes
    -----
    Provenance: public GitHub repository ``kisaraF/CRM-Sales_Analysis`` at commit b3502afabfed, which holds
    the original download, unmodified, of the "CRM Sales Opportunities" set in the Maven Analytics Data
    Playground. Licence: the publisher lists it as public domain; the repository states none. The five
    files are bundled unchanged.

    What was altered on reading: column names; ``stage`` in lower case; ``outcome`` derived from it;
    ``created_on`` is the date the stage engaging began; reps, accounts and managers have no ids in the
    source, so their names serve. ``currency`` is always USD: the data dictionary states it for account
    revenue only.

    Known defects of the source. Put right by ``cleaned=True``: the product "GTXPro" of 1,480 deals is
    "GTX Pro" in ``products``; the sector "technolgy" of 12 accounts; the location "Philipines" of 1 account.
    Left as they are, always: 1,425 deals have no account; the 500 deals at prospecting have no
    ``created_on``; 5 of the 35 reps have no deal; lost deals carry the amount 0, not what was asked for;
    open deals carry none.

    Examples
    --------
    >>> data = crm_sales()
    >>> data.deals["outcome"].value_counts().to_dict()
    {'won': 4238, 'lost': 2473, 'open': 2089}
    >>> crm_sales(cleaned=True).changes[0]
    "deals.product: 'GTXPro' became 'GTX Pro' in 1,480 rows, as in products"
    """
    deals = read("crm_sales/sales_pipeline.csv.gz").rename(columns=_DEAL)
    stage = deals["stage"].str.lower()
    deals = deals.assign(
        amount=deals["amount"].astype("Int64"),
        currency="USD",
        created_on=pd.to_datetime(deals["created_on"], format="%Y-%m-%d"),
        closed_on=pd.to_datetime(deals["closed_on"], format="%Y-%m-%d"),
        outcome=stage.map(_OUTCOME),
        stage=stage,
    )[_DEAL_COLUMNS]
    accounts = read("crm_sales/accounts.csv").rename(columns={"account": "account_id"})
    if cleaned:
        deals = deals.assign(product=deals["product"].replace("GTXPro", "GTX Pro"))
        accounts = accounts.assign(
            sector=accounts["sector"].replace("technolgy", "technology"),
            office_location=accounts["office_location"].replace("Philipines", "Philippines"),
        )
    return CrmSales(
        deals=deals,
        accounts=accounts,
        products=read("crm_sales/products.csv"),
        teams=read("crm_sales/sales_teams.csv").rename(columns=_TEAM),
        changes=_CHANGES if cleaned else (),
    )
