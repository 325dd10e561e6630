"""The filters and updates that MongoDB is sent, and which condition a document fails by."""

from typing import Any

import pytest

from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.store import mongo_query as query
from underpin.store.base import EVERYONE, Below, In, Inc, IsSet, Scope
from underpin.store.sqlite_query import Stretch

ANN = Scope("ann")
MEMBER = Scope("bob", shared=True)
RISING = Stretch(above=3, below=None, falling=False, rows=9)
BETWEEN = Stretch(above=-5, below=10**30, falling=True, rows=9)


def test_a_claim_is_one_filter_and_one_change() -> None:
    changes = {"active_run": "run_r", "last_seq": Inc(2)}
    claim = query.update(Thread, "thread_t", changes, {"active_run": None}, ANN)
    assert claim.where == {"_id": "thread_t", "owner": "ann", "active_run": {"$eq": None}}
    assert claim.change == {"$set": {"active_run": "run_r"}, "$inc": {"last_seq": 2}}
    assert claim.defaults == {}


def test_no_changes_are_no_update() -> None:
    assert query.update(Thread, "t", {}, {}, EVERYONE) == query.Update({"_id": "t"}, {}, {})


def test_what_counts_from_one_is_only_counted_where_it_is_there() -> None:
    counted = query.update(Run, "r", {"claim_no": Inc()}, {"claim_no": 4}, EVERYONE)
    assert counted.where == {"_id": "r", "claim_no": {"$eq": 4}, "$and": [{"claim_no": {"$ne": None}}]}
    assert counted.defaults == {"claim_no": 1}


def test_a_condition_on_the_id_or_the_owner_does_not_replace_the_scope() -> None:
    asked = query.update(Thread, "t", {"last_seq": 1}, {"id": "u", "owner": "bob"}, ANN).where
    assert asked == {"_id": "t", "owner": "ann", "$and": [{"_id": {"$eq": "u"}}, {"owner": {"$eq": "bob"}}]}


def test_a_page_begins_with_its_parent_and_its_place() -> None:
    assert query.of_parent(Message, "t", {}, ANN, RISING) == {"thread_id": "t", "seq": {"$gt": 3}, "owner": "ann"}
    assert query.of_parent(Message, "t", {"run_id": "r"}, EVERYONE, BETWEEN) == {
        "thread_id": "t",
        "seq": {"$gt": 0, "$lt": 2**63 - 1},
        "run_id": {"$eq": "r"},
    }


def test_where_the_owner_is_the_parent_both_must_be_right() -> None:
    assert query.of_parent(Thread, "ann", {}, ANN, RISING)["$and"] == [{"owner": "ann"}]
    member = query.of_parent(Thread, "ann", {}, MEMBER, RISING)
    assert (member["owner"], member["$or"]) == ("ann", [{"owner": "bob"}, {"shared": True}])


def test_clearing_up_to_a_place_leaves_what_has_none() -> None:
    assert query.clear(JournalChunk, "r", EVERYONE, None) == {"run_id": "r"}
    assert query.clear(JournalChunk, "r", ANN, 5) == {"run_id": "r", "seq": {"$gte": 1, "$lte": 5}, "owner": "ann"}


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (None, {"$eq": None}),
        ("$exists", {"$eq": "$exists"}),
        (2**70, {"$eq": {"~int": str(2**70)}}),
        (In(("a", None, 1)), {"$in": ["a", None, 1]}),
        (In(()), {"$in": []}),
        (Below(5), {"$lt": 5}),
        (Below(5.5), {"$lt": 5.5}),
        (Below(10**400), {"$lt": float("inf")}),
        (IsSet(), {"$ne": None}),
    ],
)
def test_conditions_are_operators(wanted: object, asked: Any) -> None:
    assert query.everywhere(Run, {"claim": wanted}, EVERYONE) == {"claim": asked}


@pytest.mark.parametrize(
    ("document", "wanted", "field"),
    [
        ({"claim": "c"}, {"claim": "c", "settled": None}, None),
        ({}, {"claim": IsSet()}, "claim"),
        ({"settled": True}, {"settled": 1}, "settled"),
        ({"journal_last": 1}, {"journal_last": True}, "journal_last"),
        ({"journal_last": 1}, {"journal_last": 1.0}, None),
        ({"journal_last": {"~int": str(2**70)}}, {"journal_last": 2**70}, None),
        ({"settled": True}, {"settled": Below(5)}, "settled"),
        ({"lease_until": None}, {"lease_until": Below(5)}, "lease_until"),
        ({"lease_until": 4.5}, {"lease_until": Below(5)}, None),
        ({"claim": "c", "status": "queued"}, {"claim": In(("a", "c")), "status": In(("in_progress",))}, "status"),
        ({"_id": "run_r"}, {"id": "run_s"}, "id"),
    ],
)
def test_the_first_condition_that_fails_is_named(document: Any, wanted: Any, field: str | None) -> None:
    assert query.failing(wanted, document) == field
