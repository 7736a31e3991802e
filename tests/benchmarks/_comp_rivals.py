"""Scripts that pay the plan of the benchmark without the library: pandas, polars, DuckDB and plain NumPy.

All work in whole cents. The commission of a year to date is a function of what a rep has sold in it so far,
against 12 monthly quotas: marginal tiers, and from the last threshold on one rate for everything. Pay by
credit is the difference of rounded totals, so cents agree. Cap and draw work on months.
"""

import numpy as np

THRESHOLDS = (0, 80, 100, 125)
"""Percent of the quota of the year."""
RATES = (600, 800, 1000, 1200)
"""Hundredths of a percent; the last holds for the whole amount."""
CAP, DRAW = 1_500_000, 250_000
"""Cents a month."""
UNIT = 10_000 * 100
"""Rates times thresholds: what one cent of commission is before it is rounded."""


def pay_due(total, year):
    """Commission on totals to date, rounded half up away from zero; `year` is the quota of the year."""
    size = abs(total) * 100
    due = size * RATES[0]
    for k in range(1, 3):
        due = due + (size - THRESHOLDS[k] * year).clip(min=0) * (RATES[k] - RATES[k - 1])
    kicked = size >= THRESHOLDS[3] * year
    due = np.where(kicked, size * RATES[3], due)
    quotient = (due + UNIT // 2) // UNIT
    return np.where(total < 0, -quotient, quotient)


def settle(due):
    """Cap months and pay a draw that later months pay back; `due` is by rep and month."""
    capped = np.clip(due, -CAP, CAP)
    owed = np.cumsum(DRAW - capped, axis=1)
    balance = owed - np.minimum(np.minimum.accumulate(owed, axis=1), 0)
    before = np.concatenate([np.zeros_like(balance[:, :1]), balance[:, :-1]], axis=1)
    return capped, capped + balance - before


def numpy_totals(table, quotas):
    """Month totals by plain NumPy: no line, no check, no explanation."""
    words = table["rep_id"].astype("S8").view(">u8")
    reps, code = np.unique(words, return_inverse=True)
    month = table["earned_on"].astype("datetime64[M]").astype(np.int64) % 12
    cents = _cents(table["amount"])
    sold = np.zeros(len(reps) * 12, dtype=np.int64)
    np.add.at(sold, code * 12 + month, cents)
    total = sold.reshape(-1, 12).cumsum(axis=1)
    owner = np.searchsorted(quotas["rep_id"].astype("S8").view(">u8"), reps)
    due = pay_due(total, 12 * quotas["cents"][owner][:, None])
    due = np.diff(due, axis=1, prepend=0)
    return settle(due)


def _cents(texts):
    digits = texts.astype("S16").view(np.uint8).reshape(len(texts), 16)
    value = np.zeros(len(texts), dtype=np.int64)
    for k in range(16):
        cell = digits[:, k]
        figure = cell - np.uint8(48)
        value = np.where(figure < 10, value * 10 + figure, value)
    return np.where(digits[:, 0] == ord("-"), -value, value)


def pandas_totals(table, quotas):
    """Month totals by pandas."""
    frame = table.assign(
        cents=table["amount"].str.replace(".", "", regex=False).astype("int64"),
        month=table["earned_on"].dt.month,
    )
    sold = frame.groupby(["rep_id", "month"], observed=True)["cents"].sum().unstack(fill_value=0)
    sold = sold.reindex(columns=range(1, 13), fill_value=0)
    year = 12 * quotas.set_index("rep_id")["cents"].reindex(sold.index).to_numpy()
    due = pay_due(sold.to_numpy().cumsum(axis=1), year[:, None])
    return settle(np.diff(due, axis=1, prepend=0))


def pandas_lines(table, quotas):
    """An amount for each credit by pandas, in whole cents; nothing says where it came from."""
    frame = table.assign(cents=table["amount"].str.replace(".", "", regex=False).astype("int64"))
    frame["rep"] = frame["rep_id"].factorize(sort=True)[0]
    frame = frame.sort_values(["rep", "earned_on", "credit_id"], ignore_index=True)
    end = frame.groupby("rep")["cents"].cumsum()
    year = frame["rep_id"].map(12 * quotas.set_index("rep_id")["cents"])
    due = pay_due(end.to_numpy(), year.to_numpy())
    start = pay_due((end - frame["cents"]).to_numpy(), year.to_numpy())
    frame["pay"] = due - start
    frame["month"] = frame["earned_on"].dt.month
    by_month = frame.groupby(["rep_id", "month"], observed=True)["pay"].sum().unstack(fill_value=0)
    settled = settle(by_month.reindex(columns=range(1, 13), fill_value=0).to_numpy())
    return frame[["credit_id", "rep_id", "month", "pay"]], settled


def polars_lines(table, quotas, *, totals=False):
    """An amount for each credit by polars, lazily and on all processors; or month totals."""
    import polars as pl

    frame = table.lazy().with_columns(
        pl.col("amount").str.replace(".", "", literal=True).cast(pl.Int64).alias("cents"),
        pl.col("earned_on").dt.month().alias("month"),
    )
    if totals:
        frame = frame.group_by("rep_id", "month").agg(pl.col("cents").sum())
        frame = frame.sort("rep_id", "month")
    else:
        frame = frame.sort("rep_id", "earned_on", "credit_id")
    frame = frame.with_columns(end=pl.col("cents").cum_sum().over("rep_id"))
    frame = frame.join(quotas.lazy(), on="rep_id", how="left", maintain_order="left")
    frame = frame.with_columns(start=pl.col("end") - pl.col("cents"), year=pl.col("quota") * 12)
    frame = frame.with_columns(pay=_polars_due("end") - _polars_due("start"))
    done = frame.select("rep_id", "month", "pay", *([] if totals else ["credit_id"])).collect()
    month = done.group_by("rep_id", "month").agg(pl.col("pay").sum()).sort("rep_id")
    reps = month["rep_id"].rle_id().to_numpy().astype(np.int64)
    grid = np.zeros((int(reps[-1]) + 1, 12), dtype=np.int64)
    grid[reps, month["month"].to_numpy() - 1] = month["pay"].to_numpy()
    return done, settle(grid)


def _polars_due(name):
    import polars as pl

    size, year = pl.col(name).abs() * 100, pl.col("year")
    due = size * RATES[0]
    for k in range(1, 3):
        due = due + (size - THRESHOLDS[k] * year).clip(lower_bound=0) * (RATES[k] - RATES[k - 1])
    due = pl.when(size >= THRESHOLDS[3] * year).then(size * RATES[3]).otherwise(due)
    return pl.col(name).sign() * ((due + UNIT // 2) // UNIT)


def duckdb_lines(base, *, totals=False):
    """An amount for each credit by DuckDB, on all processors; or month totals."""
    due = """(sign({0}) * ((CASE WHEN abs({0}) * 100 >= 125 * year THEN abs({0}) * 100 * 1200 ELSE
        abs({0}) * 100 * 600 + greatest(abs({0}) * 100 - 80 * year, 0) * 200
        + greatest(abs({0}) * 100 - 100 * year, 0) * 200 END + 500000) // 1000000))::BIGINT"""
    order = "month" if totals else "earned_on, credit_id"
    read = """SELECT rep_id, {} month(earned_on) AS month,
        replace(amount, '.', '')::BIGINT AS cents FROM credits"""
    source = (
        f"SELECT rep_id, month, sum(cents)::BIGINT AS cents FROM ({read.format('')}) GROUP BY ALL"  # noqa: S608  (no input)
        if totals
        else read.format("credit_id, earned_on,")
    )
    base.execute(f"""CREATE OR REPLACE TEMP TABLE paid AS
        SELECT {"" if totals else "credit_id,"} rep_id, month,
            {due.format('"end"')} - {due.format('("end" - cents)')} AS pay
        FROM (SELECT *, (sum(cents) OVER (PARTITION BY rep_id ORDER BY {order}
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))::BIGINT AS "end" FROM ({source}))
        JOIN (SELECT rep_id, quota * 12 AS year FROM quotas) USING (rep_id)""")  # noqa: S608  (no input)
    months = base.execute("""SELECT dense_rank() OVER (ORDER BY rep_id) - 1 AS rep, month, sum(pay)::BIGINT
        AS pay FROM paid GROUP BY rep_id, month ORDER BY rep, month""").fetchnumpy()
    grid = np.zeros((int(months["rep"].max()) + 1, 12), dtype=np.int64)
    grid[months["rep"].astype(np.int64), months["month"].astype(np.int64) - 1] = months["pay"]
    return settle(grid)
