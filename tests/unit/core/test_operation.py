"""The newest operations are remembered, whatever they are called."""

from hypothesis import given
from hypothesis import strategies as st

from core.model.limits import KEPT_OPERATIONS
from core.model.operation import as_line, is_among, with_newest

names = st.text(st.sampled_from("ab\\n\n\x00"), min_size=1)


@given(st.lists(names, unique=True))
def test_exactly_the_newest_are_known(operations: list[str]) -> None:
    remembered = ""
    for operation in operations:
        remembered = with_newest(operation, remembered)
    known = [operation for operation in operations if is_among(operation, remembered)]
    assert known == operations[-KEPT_OPERATIONS:]


@given(names, names)
def test_an_operation_is_one_line_of_its_own(one: str, other: str) -> None:
    assert "\n" not in as_line(one)
    assert (as_line(one) == as_line(other)) is (one == other)
