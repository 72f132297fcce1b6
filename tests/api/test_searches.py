"""Searches are saved, changed, listed and deleted; what they found comes in pages."""

import pytest

from store.saved_searches import SearchMatch, add_match, get_search
from store.utterances import add_utterance
from tests.api.light import light_service
from tests.index.conftest import spoken

SPOT = "/api/v1/searches/斑"


@pytest.fixture
def service(tmp_path):
    with light_service(tmp_path) as running:
        yield running


def test_a_search_is_saved_changed_listed_and_deleted(service) -> None:
    client, db = service
    made = client.put(SPOT, json={"query": "三天祛斑", "shop": "花店", "category": "cosmetic_special"})
    assert (made.status_code, made.json()["level"], made.json()["matches"]) == (201, "claim", 0)
    changed = client.put(SPOT, json={"query": "三天祛斑 | 七天美白", "level": "words"})
    assert (changed.status_code, changed.json()["shop"]) == (200, "")
    (listed,) = client.get("/api/v1/searches").json()["searches"]
    assert (listed["name"], listed["query"], listed["level"]) == ("斑", "三天祛斑 | 七天美白", "words")
    assert listed["created_at"]
    assert client.delete(SPOT).status_code == 204
    assert client.delete(SPOT).status_code == 404
    assert client.get(SPOT + "/matches").status_code == 404
    with db.read() as connection:
        assert get_search(connection, "斑") is None


@pytest.mark.parametrize(
    "wanted", [{}, {"query": ""}, {"query": "。。"}, {"query": "祛斑", "level": "sure"}, {"query": "祛斑", "more": 1}]
)
def test_what_cannot_be_searched_for_is_not_saved(service, wanted) -> None:
    client, _ = service
    answer = client.put(SPOT, json=wanted)
    assert answer.status_code in {400, 422}
    assert answer.json()["zh"]
    assert client.get("/api/v1/searches").json() == {"searches": []}


def test_matches_come_in_the_order_in_which_they_were_told(service) -> None:
    client, db = service
    client.put(SPOT, json={"query": "三天祛斑"})
    with db.write() as connection:
        for number in range(3):
            known = add_utterance(connection, spoken(f"三天祛斑{number}", number * 5_000))
            assert known
            match = SearchMatch("斑", known, number * 5_000 + 200, number * 5_000 + 800, 2.0, 10 + number)
            add_match(connection, match)
    first = client.get(SPOT + "/matches", params={"limit": 2}).json()
    rest = client.get(SPOT + "/matches", params={"limit": 2, "after": first["next"]}).json()
    assert [match["text"] for match in first["matches"] + rest["matches"]] == ["三天祛斑0", "三天祛斑1", "三天祛斑2"]
    assert rest["next"] is None
    assert (first["matches"][1]["start"], first["matches"][1]["cursor"]) == (5.2, 11)
    (listed,) = client.get("/api/v1/searches").json()["searches"]
    assert listed["matches"] == 3
