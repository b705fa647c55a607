"""What a store is given it gives back, byte for byte and sign for sign."""

import pytest

from core.model.ident import JobRef
from core.model.states import State, Verb
from core.model.worker import WorkerInfo

from .lab import QUEUE, Lab, end

ALL_BYTES = bytes(range(256))
HOSTILE_BYTES = {
    "every-byte": ALL_BYTES,
    "zeros": bytes(64),
    "broken-utf8": b"\xff\xfe\xc0\x80\xed\xa0\x80",
    "line-ends": b"\r\n\r\n$5\r\nhello\r\n*1\r\n",
    "quotes": b"'\"`;--\\%_{}[]|",
    "digits": b"00012345678901234567890",
    "float": b"1e400",
    "large": ALL_BYTES * 1024,
}
HOSTILE_TEXT = {
    "quotes": "'; DROP TABLE jobs; --",
    "percent": "100% of %s and %(x)s",
    "braces": "{jobs}:{queue}",
    "separators": "a|b:c,d;e\tf\x1fg",
    "lines": "one\ntwo\r\nthree",
    "accents": "Grüße, Žižkov, ελληνικά",
    "beyond-bmp": "🦊 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧",
    "right-to-left": "\u202eabc\u202c שלום",
    "combining": "e\u0301 is not \u00e9",
    "spaces": "  leading and trailing  ",
    "number": "007",
    "null-word": "None",
    "escape": "\x1b[31mred\x1b[0m",
}
hostile_bytes = pytest.mark.parametrize("data", HOSTILE_BYTES.values(), ids=HOSTILE_BYTES.keys())
hostile_text = pytest.mark.parametrize("text", HOSTILE_TEXT.values(), ids=HOSTILE_TEXT.keys())
HOSTILE_IDS = {
    "lowest": bytes(14),
    "highest": b"\xff" * 14,
    "text": b"abcdefghijklmn",
    "digits": b"12345678901234",
    "line-ends": b"\r\n" * 7,
    "separators": b"|:|:|:|:|:|:|:",
    "zero-ended": b"\x01" + bytes(13),
    "broken-utf8": b"\xed\xa0\x80" * 4 + b"\xc0\x80",
}
hostile_ids = pytest.mark.parametrize("raw", HOSTILE_IDS.values(), ids=HOSTILE_IDS.keys())


@hostile_bytes
def test_arguments_come_back_to_readers_and_to_the_worker(lab: Lab, data: bytes):
    ref = lab.enqueue(arguments=data)
    assert lab.read(ref).arguments == data
    assert lab.page(State.PENDING).jobs[0].arguments == data
    assert lab.claim_one().arguments == data


@hostile_bytes
def test_options_come_back(lab: Lab, data: bytes):
    ref = lab.enqueue(options=data)
    assert (lab.read(ref).options, lab.claim_one().options) == (data, data)


@hostile_bytes
def test_a_result_comes_back(lab: Lab, data: bytes):
    claim = lab.start()
    lab.finish(claim, State.COMPLETED, result=data)
    assert lab.read(claim.ref).result == data


@hostile_bytes
def test_an_error_comes_back(lab: Lab, data: bytes):
    claim = lab.start()
    lab.finish(claim, State.DEAD, error=data)
    assert lab.read(claim.ref).error == data


@hostile_bytes
def test_lines_come_back(lab: Lab, data: bytes):
    claim = lab.start()
    for _ in range(2):
        claim = lab.settle(claim, State.FAILED, line=data, want=1).claims[0]
    lab.finish(claim, State.DEAD, line=b"\x91\x01")
    assert lab.read(claim.ref).lines == (data, data, b"\x91\x01")


@hostile_bytes
def test_a_journal_line_comes_back_within_its_batch(lab: Lab, data: bytes):
    lab.finish(lab.start(), State.DEAD, line=data, stream="failures")
    [entry] = lab.store.journal(QUEUE, "failures", "", 10)
    assert entry.lines.endswith(data)


@hostile_bytes
def test_a_definition_of_a_schedule_comes_back(lab: Lab, data: bytes):
    lab.store.put_schedule(QUEUE, "key", data, enabled=True)
    assert lab.store.schedules()[0].spec == data


@hostile_bytes
def test_arguments_of_a_follow_up_come_back(lab: Lab, data: bytes):
    then = (lab.job(arguments=data), lab.job(arguments=data, queue="bills"))
    lab.finish(lab.start(), State.COMPLETED, then=then)
    lab.store.relay(QUEUE, 10)
    assert [lab.read(job.ref).arguments for job in then] == [data, data]


@hostile_ids
def test_a_job_of_any_id_goes_through_its_whole_life(lab: Lab, raw: bytes):
    ref = lab.enqueue(raw=raw)
    claim = lab.claim_one()
    assert lab.store.renew(QUEUE, [(raw, claim.token)], 30_000) == []
    lab.finish(claim, State.FAILED, delay_ms=1_000, line=b"\x91\x01")
    assert lab.act(Verb.RETRY, ref).applied
    lab.finish(lab.claim_one(), State.COMPLETED, result=b"\x01")
    assert (lab.refs(State.COMPLETED), lab.read(ref).attempts) == ([ref], 2)


def test_neighbouring_ids_are_told_apart_and_keep_their_order(lab: Lab):
    ids = sorted([*HOSTILE_IDS.values(), bytes(13) + b"\x01", b"\xff" * 13 + b"\xfe"])
    lab.store.enqueue([lab.job(raw=raw) for raw in reversed(ids)])
    assert lab.refs(State.PENDING, limit=3) == [JobRef(QUEUE, raw) for raw in ids]
    assert [claim.raw for claim in lab.claim(100)] == ids


@hostile_text
def test_a_unique_key_of_any_text_holds(lab: Lab, text: str):
    ref = lab.enqueue(unique_key=text)
    assert lab.offer(unique_key=text).ref == ref
    assert lab.offer(unique_key=text + ".").created
    assert lab.read(ref).unique_key == text


def test_keys_that_differ_in_case_or_in_spaces_differ(lab: Lab):
    keys = ["key", "Key", "KEY", " key", "key ", "k ey", "e\u0301", "\u00e9"]
    assert all(lab.offer(unique_key=key).created for key in keys)


def test_a_unique_key_of_full_length_is_told_from_its_neighbour(lab: Lab):
    lab.enqueue(unique_key="ü" * 199 + "1")
    assert lab.offer(unique_key="ü" * 199 + "2").created
    assert not lab.offer(unique_key="ü" * 199 + "1").created


@hostile_text
def test_a_reason_comes_back(lab: Lab, text: str):
    settled, cancelled = lab.start(), lab.arrive(State.PENDING)
    lab.finish(settled, State.DEAD, reason=text)
    lab.act(Verb.CANCEL, cancelled, reason=text)
    assert (lab.read(settled.ref).reason, lab.read(cancelled).reason) == (text, text)


@hostile_text
def test_the_reason_of_a_pause_comes_back(lab: Lab, text: str):
    lab.store.pause(QUEUE, text)
    assert lab.counts().paused_reason == text


@hostile_text
def test_a_worker_of_any_name_is_registered_and_runs_jobs(lab: Lab, text: str):
    lab.store.beat(WorkerInfo(id="a" * 32, label=text, host=text, version=text))
    [listed] = lab.store.workers()
    assert (listed.label, listed.host, listed.version) == (text, text, text)
    lab.enqueue()
    claim = lab.claim_one(worker=text)
    assert lab.read(claim.ref).worker == text


@hostile_text
def test_a_schedule_of_any_key_is_kept(lab: Lab, text: str):
    lab.store.put_schedule(QUEUE, text, b"\x80", enabled=True)
    assert lab.store.schedules()[0].key == text
    assert lab.store.remove_schedule(QUEUE, text)


@hostile_text
def test_a_metric_of_any_name_is_added(lab: Lab, text: str):
    lab.enqueue()
    for _ in range(2):
        lab.exchange(minutes={text: 2})
    assert list(lab.store.minutes(QUEUE, 0).values()) == [{text: 4}]


@hostile_text
def test_an_operation_of_any_name_acts_once(lab: Lab, text: str):
    ref = lab.arrive(State.DEAD)
    lab.act(Verb.RETRY, ref, operation=text)
    lab.finish(lab.claim_one(), State.DEAD)
    assert lab.act(Verb.RETRY, ref, operation=text).applied
    assert lab.state(ref) is State.DEAD


@pytest.mark.parametrize("queue", ["a", "A.b-c_d", "9", "queue", "x" * 64, "schedules", "mail.meta"])
def test_a_queue_of_any_permitted_name_works(lab: Lab, queue: str):
    lab.enqueue(queue="mail")
    ref = lab.enqueue(queue=queue)
    lab.exchange(end(lab.claim_one(queue=queue), State.COMPLETED), queue=queue)
    assert lab.refs(State.COMPLETED, queues=(queue,)) == [ref]
    assert lab.count(State.PENDING, "mail") == 1


def test_queues_that_differ_in_case_differ(lab: Lab):
    lab.enqueue(queue="mail")
    assert lab.claim(1, queue="Mail") == []


def test_a_task_of_full_length_comes_back(lab: Lab):
    name = "a" * 100 + "." + "b" * 99
    assert lab.read(lab.enqueue(task=name)).task == name


def test_the_largest_job_comes_back_whole(lab: Lab):
    arguments, options = ALL_BYTES * 1024, ALL_BYTES * 64
    ref = lab.enqueue(arguments=arguments, options=options, unique_key="ü" * 200, max_attempts=10_000)
    claim = lab.claim_one()
    lab.finish(claim, State.COMPLETED, result=ALL_BYTES * 1024, error=ALL_BYTES * 300, line=ALL_BYTES * 4)
    job = lab.read(ref)
    assert (job.arguments, job.options, job.max_attempts) == (arguments, options, 10_000)
    assert (job.result, job.error, job.lines) == (ALL_BYTES * 1024, ALL_BYTES * 300, (ALL_BYTES * 4,))


@pytest.mark.parametrize("number", [0, 1, -1, 2**31, 2**52])
def test_sums_of_any_size_come_back(lab: Lab, number: int):
    lab.enqueue()
    lab.exchange(minutes={"m": number, "n": 1})
    [sums] = lab.store.minutes(QUEUE, 0).values()
    assert sums.get("m", 0) == number
