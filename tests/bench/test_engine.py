"""What plain Faust is given is a fair sample of what the worker is given: the same records, and as old people."""

from collections import Counter

import orjson

from bench.engine import FAUST_SHARE, sampled, sms_rows
from bench.stage import Row

PEOPLE = 40 * FAUST_SHARE


def test_the_sample_of_plain_faust_is_fair() -> None:
    few = list[Row]()
    rows = list(sampled(sms_rows(range(1, PEOPLE + 1), range(3), 4), few))
    assert len(rows) == 3 * PEOPLE
    assert set(few) < set(rows)
    said = [orjson.loads(value) for _, _, value in few]
    windows = Counter(one["id"].partition("-")[2] for one in said)
    assert windows == dict.fromkeys("012", PEOPLE // FAUST_SHARE)
    assert set(Counter(one["gateway"] for one in said).values()) == {len(few) // 4}
