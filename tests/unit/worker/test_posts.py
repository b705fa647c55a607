"""How soon a dead child is replaced."""

from core.worker.posts import FIRST_WAIT_S, LONGEST_WAIT_S, Post, Role, wait_before


def test_a_child_that_lived_is_replaced_at_once() -> None:
    post = Post(Role.WORKER, 1)
    post.filled(100, now=10.0)
    post.emptied(now=60.0)
    assert (post.pid, post.fill_at) == (0, 60.0)


def test_children_that_die_young_are_replaced_ever_later() -> None:
    post, waits = Post(Role.WORKER, 1), []
    for _ in range(12):
        post.filled(100, now=10.0)
        post.emptied(now=11.0)
        waits.append(post.fill_at - 11.0)
    assert waits[:5] == [0.0, 0.0, 0.5, 1.0, 2.0]
    assert waits[-1] == LONGEST_WAIT_S


def test_one_that_left_by_plan_is_replaced_at_once_however_short_it_lived() -> None:
    post = Post(Role.WORKER, 1, short_lives=9)
    post.filled(100, now=10.0)
    post.vacated(now=11.0)
    assert (post.pid, post.fill_at, post.short_lives) == (0, 11.0, 0)


def test_one_that_lived_longer_ends_the_row() -> None:
    post = Post(Role.WORKER, 1, short_lives=9)
    post.filled(100, now=10.0)
    post.emptied(now=20.0)
    assert post.fill_at == 20.0


def test_a_keeper_is_waited_for_a_moment_at_most() -> None:
    assert wait_before(Role.KEEPER, 2) == 0.0
    assert wait_before(Role.KEEPER, 50) == FIRST_WAIT_S
