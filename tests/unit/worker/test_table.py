"""What a worker publishes is what its keeper reads."""

import os

import pytest

from core.worker.table import Entry, Identity, Orders, Phase, SlotTable, Status

RAW, OTHER = b"\x01" * 13 + b"\x00", b"\x02" * 14


def test_a_claim_is_read_as_it_was_published() -> None:
    region = SlotTable(regions=1, entries=4).regions[0]
    region.take()
    region.admit(2, b"mail", RAW, 7)
    assert region.claims() == [Entry(2, Phase.WAITING, "mail", RAW, 7, 0, 0)]
    region.start(2, 1000, 31_000)
    assert region.claims() == [Entry(2, Phase.RUNNING, "mail", RAW, 7, 1000, 31_000)]
    region.set_phase(2, Phase.EMPTY)
    assert region.claims() == []


def test_a_name_of_64_characters_is_kept_whole() -> None:
    region = SlotTable(regions=1, entries=1).regions[0]
    region.admit(0, b"q" * 64, RAW, 1)
    assert region.claims()[0].queue == "q" * 64


def test_regions_do_not_touch_each_other() -> None:
    first, second = SlotTable(regions=2, entries=3).regions
    for index in range(3):
        first.admit(index, b"mail", RAW, index + 1)
    assert second.claims() == []
    assert second.status is Status.FREE


def test_a_region_that_is_taken_again_starts_empty() -> None:
    table = SlotTable(regions=1, entries=1)
    region = table.take()
    assert region is not None
    region.announce(Identity(7, 8, "ab" * 16, 9, is_quiet=False))
    region.admit(0, b"mail", RAW, 1)
    region.notify(0, 1)
    region.order(Orders.STOP)
    assert table.take() is None
    region.bury(9)
    assert (region.status, region.ended) == (Status.DEAD, 9)
    assert table.take() is None, "its claims are still to be seen to"
    region.free()
    assert table.take() is region
    assert region.claims() == []
    assert region.identity() is None
    assert (region.notice(0), region.orders) == (0, Orders.NONE)


def test_a_notice_names_the_claim_it_is_about() -> None:
    region = SlotTable(regions=1, entries=1).regions[0]
    region.admit(0, b"mail", RAW, 5)
    [entry] = region.claims()
    region.notify(entry.slot, entry.token)
    assert region.notice(0) == 5
    assert region.holds(entry)
    region.admit(0, b"mail", OTHER, 6)
    assert not region.holds(entry)


@pytest.mark.serial
def test_a_forked_child_writes_what_its_parent_reads() -> None:
    region = SlotTable(regions=1, entries=2).regions[0]
    pid = os.fork()
    if pid == 0:
        region.admit(1, b"mail", RAW, 3)
        os._exit(0)
    os.waitpid(pid, 0)
    assert [entry.token for entry in region.claims()] == [3]


def test_a_new_claim_does_not_inherit_the_notice_of_the_one_before() -> None:
    region = SlotTable(regions=1, entries=1).regions[0]
    region.admit(0, b"mail", RAW, 5)
    region.notify(0, 5)
    region.admit(0, b"bills", OTHER, 5)  # tokens are counted by queue, so two queues may give the same
    assert region.notice(0) == 0


def test_the_longest_name_of_a_partition_fits() -> None:
    queue = "q" * 60 + "@999"
    region = SlotTable(regions=1, entries=1).regions[0]
    region.take()
    region.admit(0, queue.encode(), bytes(14), 1)
    assert [entry.queue for entry in region.claims()] == [queue]
