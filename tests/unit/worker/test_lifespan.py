"""When a worker process has lived long enough."""

import pytest

from core.errors import ConfigError
from core.worker.lifespan import JITTER, MB, Lifespan, as_lifespan


def test_without_a_limit_it_never_ends() -> None:
    assert Lifespan().shortened(0.9).is_over(jobs=10**9, memory=10**12, age_s=10**9) == ""


@pytest.mark.parametrize(
    ("lifespan", "why"),
    [
        (Lifespan(jobs=100), "it has run 100 jobs"),
        (Lifespan(memory=512 * MB), "it takes 512 MB of memory"),
        (Lifespan(age_s=60), "it is 60 s old"),
    ],
)
def test_it_ends_for_a_reason(lifespan: Lifespan, why: str) -> None:
    assert lifespan.is_over(jobs=99, memory=512 * MB - 1, age_s=59.9) == ""
    assert lifespan.is_over(jobs=100, memory=512 * MB, age_s=60) == why


def test_workers_of_one_age_do_not_leave_at_once() -> None:
    full = Lifespan(jobs=1000, memory=MB, age_s=100)
    spans = [full.shortened(chance / 100) for chance in range(100)]
    assert len({span.jobs for span in spans}) == 100
    assert all(1000 * (1 - JITTER) <= span.jobs <= 1000 and 100 * (1 - JITTER) <= span.age_s <= 100 for span in spans)
    assert {span.memory for span in spans} == {MB}
    assert Lifespan(jobs=1).shortened(0.99).jobs == 1


def test_options_become_a_lifespan() -> None:
    assert as_lifespan(max_jobs=5, max_memory="512MB", max_age=None) == Lifespan(jobs=5, memory=512 * MB)
    assert as_lifespan(max_jobs=None, max_memory="", max_age=2.5) == Lifespan(age_s=2.5)


@pytest.mark.parametrize("size", ["much", "1MB", "-5MB"])
def test_a_size_that_cannot_be_is_named(size: str) -> None:
    with pytest.raises(ConfigError, match=f"--max-memory {size}: give bytes"):
        as_lifespan(max_jobs=None, max_memory=size, max_age=None)
