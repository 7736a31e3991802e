"""How a batch is driven: by any mapper, with any progress bar, from any seed."""

import concurrent.futures
import operator
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import _run
from salesops.errors import InvalidInput


def test_without_a_mapper_the_items_are_done_in_order():
    assert _run.run(operator.neg, [3, 1, 2]) == [-3, -1, -2]


def test_a_thread_pool_gives_the_same_answers():
    items = list(range(200))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert _run.run(operator.neg, items, mapper=pool.map) == _run.run(operator.neg, items)


def test_a_mapper_that_answers_with_futures_is_waited_for():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:

        def mapper(function, items):
            return [pool.submit(function, item) for item in items]

        assert _run.run(operator.neg, [3, 1, 2], mapper=mapper) == [-3, -1, -2]


def test_a_failure_inside_a_future_reaches_the_caller():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        def mapper(function, items):
            return [pool.submit(function, item) for item in items]

        with pytest.raises(ZeroDivisionError):
            _run.run(operator.inv, [1, 2], mapper=lambda f, items: mapper(lambda k: 1 // (k - 1), items))


def test_an_empty_batch_gives_nothing():
    assert _run.run(operator.neg, []) == []


@pytest.mark.parametrize("answers", [[], [1], [1, 2, 3, 4]])
def test_a_mapper_that_loses_or_invents_answers_is_refused(answers):
    with pytest.raises(InvalidInput) as caught:
        _run.run(operator.neg, [1, 2, 3], mapper=lambda function, items: answers)
    assert f"{len(answers)} answers, 3 items" in str(caught.value)


def test_progress_sees_every_item_once_and_the_total():
    seen = []

    def progress(items):
        seen.append(len(items))
        for item in items:
            seen.append(item)
            yield item

    assert _run.run(operator.neg, [3, 1], progress=progress) == [-3, -1]
    assert seen == [2, -3, -1]


def test_a_progress_wrapper_that_skips_items_is_refused():
    with pytest.raises(InvalidInput, match="mapper, progress"):
        _run.run(operator.neg, [1, 2], progress=lambda items: list(items)[:1])


def test_tqdm_fits_as_progress(capsys):
    tqdm = pytest.importorskip("tqdm")
    assert _run.run(operator.neg, [3, 1], progress=tqdm.tqdm) == [-3, -1]
    assert "2/2" in capsys.readouterr().err


def test_steps_without_progress_are_the_items_themselves():
    items = [1, 2]
    assert _run.steps(items, None) is items


def test_the_same_seed_gives_the_same_numbers():
    assert _run.generator(7).random() == _run.generator(np.int64(7)).random()


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(1)
    assert _run.generator(rng) is rng


def test_a_seed_sequence_makes_a_generator():
    assert _run.generator(np.random.SeedSequence(5)).random() == _run.generator(5).random()


@pytest.mark.parametrize("bad", [True, "7", 2.5, -1, [1, 2], np.random.RandomState(1)])
def test_what_is_no_seed_is_refused(bad):
    with pytest.raises(InvalidInput, match="rng"):
        _run.generator(bad)


@given(st.integers(0, 2**32), st.integers(1, 20))
def test_children_are_independent_of_how_many_are_used(seed, n):
    """Item k draws from child k, so neither the mapper nor its order can change a result."""
    first = [child.random() for child in _run.spawn(seed, n)]
    assert len(set(first)) == n
    assert [child.random() for child in _run.spawn(seed, n + 5)][:n] == first


def test_the_global_generators_are_left_alone():
    before = (np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002  (the global state is tested)
    _run.generator(7).random()
    _run.generator(None).random()
    _run.spawn(3, 2)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002  (as above)
    assert random.getstate() == before[1]


def test_threads_answer_in_order_and_stay_few_ahead():
    begun = []

    def work(item):
        begun.append(item)
        return item * item

    answers = _run.threads(work, range(50))
    assert next(iter(answers)) == 0
    assert len(begun) < 50 or _run._processors() >= 25
    assert list(answers) == [k * k for k in range(1, 50)]


def test_an_error_in_a_thread_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(_run.stream(lambda item: 1 // item, [1, 0, 1], mapper=_run.threads))


def test_a_stream_gives_each_answer_as_soon_as_it_is_there():
    begun = []
    answers = _run.stream(lambda item: begun.append(item) or item, [1, 2, 3])
    assert next(answers) == 1
    assert begun == [1]
