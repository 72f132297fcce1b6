"""The JSON Schema knows every key that the loader knows."""

from claims.ruleparse import KEYS
from claims.schema import pack_schema


def test_the_schema_names_every_key_of_a_rule_and_nothing_else() -> None:
    rule = pack_schema()["properties"]["rules"]["items"]
    assert set(rule["properties"]) == {"id", "title", *KEYS}
    assert rule["additionalProperties"] is False
