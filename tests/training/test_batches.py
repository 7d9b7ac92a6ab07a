import numpy as np
import pytest

from l2l.training.batches import ORDER_SEED, fixed_epoch, held_out, whole_batches


def test_fixed_batches_keep_their_rows_and_change_their_order() -> None:
    rows, order = np.arange(100)[::-1], np.random.RandomState(ORDER_SEED)
    epochs = [fixed_epoch(rows, 8, order).reshape(-1, 8) for _ in range(2)]
    batches = {tuple(batch) for batch in rows[:96].reshape(-1, 8)}
    for epoch in epochs:
        assert {tuple(batch) for batch in epoch} == batches
    assert not np.array_equal(*epochs)


def test_the_order_is_the_released_generators() -> None:
    expected = np.arange(5)
    np.random.RandomState(23456).shuffle(expected)
    found = fixed_epoch(np.arange(11), 2, np.random.RandomState(ORDER_SEED))
    assert list(found[::2] // 2) == list(expected)


@pytest.mark.parametrize(("count", "sizes"), [(64, [32, 32]), (70, [32, 32]), (32, [32]), (12, [12]), (1, [1])])
def test_only_whole_batches_count_and_too_few_windows_make_one(count: int, sizes: list[int]) -> None:
    found = [len(range(count)[batch]) for batch in whole_batches(count, 32)]
    assert found == sizes
    assert held_out(count, "fixed", 32) == whole_batches(count, 32)
    assert len(fixed_epoch(np.arange(count), 32, np.random.RandomState(0))) == sum(sizes)


def test_mixed_validation_leaves_nothing_out() -> None:
    assert [row for batch in held_out(600, "mixed", 32) for row in range(600)[batch]] == list(range(600))
