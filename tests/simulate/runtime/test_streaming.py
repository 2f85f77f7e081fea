"""Parallel work on blocks: order, a bounded number in flight, interrupts, and where progress is shown."""

import threading
import time

import pytest

from simulate import gradient_moments
from simulate.runtime.streaming import for_each_in_order, progress_bar
from theory import Task


def test_results_come_in_order_and_few_wait():
    """Block 0 finishes last of the 2 · 3 that may start before it is consumed, and is still consumed first."""
    released, begun, consumed, before_first = threading.Event(), [], [], []

    def produce(index):
        begun.append(index)
        if index == 0:
            assert released.wait(60)
        elif index == 5:
            time.sleep(0.2)  # the third thread would begin more blocks meanwhile, if there were any in flight
            before_first.extend(begun)
            released.set()
        return index

    for_each_in_order(produce, consumed.append, 50, 3)
    assert consumed == sorted(begun) == list(range(50)) and sorted(before_first) == list(range(6))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_drops_blocks_that_have_not_begun(error):
    """Blocks 1 and 2 keep both threads busy while block 0 is consumed, so block 3 is never begun."""
    released, begun, threads = threading.Event(), [], threading.active_count()

    def produce(index):
        begun.append(index)
        if index > 0:
            assert released.wait(60)

    def consume(result):
        threading.Timer(1.0, released.set).start()
        raise error

    with pytest.raises(error):
        for_each_in_order(produce, consume, 10_000, 2)
    assert set(begun) <= {0, 1, 2} and threading.active_count() <= threads + 1  # the timer may still be ending


def test_an_interrupt_of_a_single_worker_stops_at_once():
    begun = []

    def consume(result):
        if result == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for_each_in_order(lambda index: begun.append(index) or index, consume, 100, 1)
    assert begun == list(range(5))


def test_an_error_in_a_block_is_raised():
    with pytest.raises(ZeroDivisionError):
        for_each_in_order(lambda index: 1 // (7 - index), lambda result: None, 100, 2)


def test_progress_goes_to_standard_error_on_request_alone(capsys):
    task = Task(3, 7, 0.3, 1)
    gradient_moments(task, "feed_forward", 1000, seed=1)
    with progress_bar(10, 1e12, None) as advance:  # long, but no terminal
        advance(10)
    assert capsys.readouterr() == ("", "")
    gradient_moments(task, "feed_forward", 1000, seed=1, progress=True)
    output, errors = capsys.readouterr()
    assert output == "" and "samples" in errors
