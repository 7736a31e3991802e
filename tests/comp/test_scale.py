"""Runs in parts and in batches equal one run of everything, also where DuckDB, Dask or Spark carry them."""

import importlib.util
import json
import pickle
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops import comp
from salesops.errors import InvalidInput

_spec = importlib.util.spec_from_file_location(
    "comp_recalculated", Path(__file__).with_name("test_recalculated.py")
)
again = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(again)
_spec = importlib.util.spec_from_file_location(
    "comp_rules", Path(__file__).with_name("test_differential_rules.py")
)
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

REPS = [f"rep-{k:03d}" for k in range(150)]
N_PARTS = 6


def world(n=3000):
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "credit_id": [f"c{k:05d}" for k in rng.permutation(n)],
            "rep_id": np.array(REPS[:-3], dtype=object)[rng.integers(0, len(REPS) - 3, n)],
            "amount": [
                f"{cents // 100}.{cents % 100:02d}" for cents in rng.integers(100, 900_000, n).tolist()
            ],
            "earned_on": np.datetime64("2026-01-01", "s")
            + rng.integers(0, 180, n) * np.timedelta64(86400, "s"),
        }
    )


def settings():
    quotas = [{"rep_id": rep, "amount": "50000.00"} for rep in REPS]
    return {"quotas": quotas, "reps": [{"rep_id": rep} for rep in REPS], "periods": again.PERIODS}


def batch(output="payouts"):
    return comp.Batch(plans=again.PLAN, **settings(), output=output)


def whole():
    return comp.calculate(again.PLAN, world(), **settings())


def text_of(frame):
    """Write statements byte for byte, in one order."""
    columns = [name for name in frame.columns if name not in ("line_id", "running")]
    order = ["line_key"] if "line_key" in columns else ["rep_id", "period"]
    table = frame.sort_values(order, ignore_index=True)[columns]
    if "tier" in table:
        table["tier"] = table["tier"].astype("Int64")
    return table.astype(object).where(table.notna(), None).to_csv(index=False)


def stacked(*frames):
    return pd.concat([frame.astype(object) for frame in frames])


def judge(payouts, lines):
    run = whole()
    assert text_of(payouts) == text_of(run.payouts())
    assert text_of(lines) == text_of(run.lines(keys=True))


@pytest.mark.parametrize("parts", [1, 7, 64])
def test_a_run_in_parts_is_the_same_to_the_last_byte(parts):
    expected = json.dumps(whole().to_dict())
    with ThreadPoolExecutor(8) as pool:
        for mapper in (map, pool.map):
            run = comp.calculate(again.PLAN, world(), **settings(), mapper=mapper, parts=parts)
            assert json.dumps(run.to_dict()) == expected


@pytest.mark.parametrize("seed", range(25))
def test_every_kind_of_rule_is_the_same_in_parts(seed, monkeypatch):
    run, plan, *_ = rules.judge(seed)
    calculate = comp.calculate
    with monkeypatch.context() as patch:
        patch.setattr(comp, "calculate", lambda *args, **more: calculate(*args, **more, mapper=map, parts=9))
        parted, *_ = rules.judge(seed)
    assert parted.to_dict() == run.to_dict(), plan
    assert parted == run


def test_trouble_in_a_part_is_told_as_in_the_whole():
    bare = {**settings(), "quotas": settings()["quotas"][5:]}
    with pytest.raises(InvalidInput) as one:
        comp.calculate(again.PLAN, world(), **bare)
    with pytest.raises(InvalidInput) as many:
        comp.calculate(again.PLAN, world(), **bare, mapper=map)
    assert str(one.value) == str(many.value)


def test_a_number_of_parts_is_whole_and_positive():
    with pytest.raises(InvalidInput, match="is a whole number from 1 on"):
        comp.calculate(again.PLAN, world(), **settings(), mapper=map, parts=0)


def test_batches_of_reps_are_the_whole():
    credits = world()
    part = pd.factorize(credits["rep_id"])[0] % N_PARTS
    tables = []
    for output in ("payouts", "lines"):
        work = pickle.loads(pickle.dumps(batch(output)))
        frames = [work(credits[part == k]) for k in range(N_PARTS)]
        tables.append(stacked(*frames, work.idle(credits["rep_id"].unique())))
    judge(*tables)


def test_a_plan_that_looks_at_other_reps_has_no_batches():
    plan = comp.CompPlan(plan_id="p", currency="USD", components=[comp.Contest(name="top", prizes=["1.00"])])
    with pytest.raises(InvalidInput, match="overrides and contests look at other reps"):
        comp.Batch(plans=plan)


def test_duckdb_carries_batches_of_a_table_it_holds(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    base = duckdb.connect(str(tmp_path / "comp.duckdb"))
    source = world()  # noqa: F841  (DuckDB reads it by its name)
    base.execute("CREATE TABLE credits AS SELECT * FROM source")
    columns = "credit_id, rep_id, amount::VARCHAR AS amount, earned_on"
    read = f"SELECT {columns} FROM credits WHERE hash(rep_id) % ? = ?"  # noqa: S608  (no input)
    busy = [rep for (rep,) in base.execute("SELECT DISTINCT rep_id FROM credits").fetchall()]
    for output in ("payouts", "lines"):
        work = batch(output)
        for k in range(N_PARTS):
            base.register("paid", work(base.execute(read, [N_PARTS, k]).df()))
            if k == 0:
                base.table("paid").create(output)
            else:
                base.table("paid").insert_into(output)
        base.register("paid", work.idle(busy))
        base.table("paid").insert_into(output)
    judge(*(base.table(output).df() for output in ("payouts", "lines")))


def test_dask_carries_parts_through_mapper():
    dask = pytest.importorskip("dask")

    def mapper(function, items):
        return dask.compute(*(dask.delayed(function)(item) for item in items), scheduler="threads")

    run = comp.calculate(again.PLAN, world(), **settings(), mapper=mapper, parts=N_PARTS)
    assert json.dumps(run.to_dict()) == json.dumps(whole().to_dict())


def test_dask_carries_batches_of_its_frames():
    frames = pytest.importorskip("dask.dataframe")
    credits = world()
    busy = credits["rep_id"].unique()
    table = frames.from_pandas(credits, npartitions=3).shuffle("rep_id", npartitions=N_PARTS)
    found = []
    for output in ("payouts", "lines"):
        work = batch(output)
        paid = table.map_partitions(work, meta=work(credits.iloc[:0])).compute()
        found.append(stacked(paid, work.idle(busy)))
    judge(*found)


def carried(work):
    """Wrap a batch in a plain function, whose one argument Spark counts."""
    return lambda frame: work(frame)


def test_spark_carries_batches_by_apply_in_pandas(tmp_path, monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    spark_sql = pytest.importorskip("pyspark.sql")
    builder = spark_sql.SparkSession.builder.master("local[1]").appName("salesops")
    quiet = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
    quiet |= {"spark.sql.warehouse.dir": str(tmp_path), "spark.sql.session.timeZone": "UTC"}
    for name, value in quiet.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        credits = world()
        busy = credits["rep_id"].unique().tolist()
        rows = [(a, b, c, d.date()) for a, b, c, d in credits.itertuples(index=False, name=None)]
        table = session.createDataFrame(
            rows, "credit_id string, rep_id string, amount string, earned_on date"
        )
        functions = importlib.import_module("pyspark.sql.functions")
        parted = table.withColumn("part", functions.hash("rep_id") % N_PARTS)
        found = []
        for output in ("payouts", "lines"):
            work = batch(output)
            paid = parted.groupBy("part").applyInPandas(carried(work), SCHEMAS[output]).toPandas()
            found.append(stacked(paid, work.idle(busy)))
        judge(*found)
    finally:
        session.stop()


MONEY = "rep_id string, period string, {} currency string"
SCHEMAS = {
    "payouts": MONEY.format("earned long, paid long, held long, balance long,"),
    "lines": MONEY.format(
        "plan_id string, component string, rule string, credit_id string, tier long, start string, "
        "end string, base string, rate string, exact string, amount long, running long,"
    )
    + ", line_key string",
}
