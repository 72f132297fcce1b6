"""The form of a rule pack as JSON Schema (draft 2020-12), for editors that complete and check YAML."""

from claims.products import KINDS
from claims.ruleparse import KEYS, NEEDED
from core.records import Category, Severity, Verdict

Schema = dict[str, object]
_WORDS: Schema = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_TEXT: Schema = {"type": "string", "minLength": 1}
_ID: Schema = {"type": "string", "pattern": "^[A-Z][A-Z0-9-]{2,39}$"}
_DAY: Schema = {"type": "string", "format": "date"}
_FLAG: Schema = {"type": "boolean"}
_EXAMPLES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {
        "oneOf": [
            _TEXT,
            {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {"text": _TEXT, "product": _TEXT},
            },
        ]
    },
}
_LAW: Schema = {
    "oneOf": [
        _TEXT,
        {
            "type": "object",
            "required": ["law", "article"],
            "additionalProperties": False,
            "properties": {"law": _TEXT, "article": _TEXT, "seen": _FLAG},
        },
    ]
}


def pack_schema() -> Schema:
    """The schema of a pack of one file."""
    rule = _rule()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "LiveWitness rule pack",
        "type": "object",
        "required": ["pack"],
        "additionalProperties": False,
        "properties": {
            "pack": _header(),
            "lexicons": {"type": "object"},
            "laws": {"type": "object", "additionalProperties": _LAW},
            "exceptions": {"type": "object", "additionalProperties": _exception()},
            "defaults": {"type": "object", "additionalProperties": False, "properties": rule},
            "rules": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "title"],
                    "additionalProperties": False,
                    "properties": {"id": {"type": "string", "pattern": "^[A-Z][A-Z0-9-]{2,39}$"}, "title": _TEXT}
                    | rule,
                    "description": "Needed here or in defaults: " + ", ".join(NEEDED),
                },
            },
        },
    }


def _header() -> Schema:
    return {
        "type": "object",
        "required": ["id", "version", "title", "jurisdiction", "kind", "effective_from"],
        "additionalProperties": False,
        "properties": {
            "id": _TEXT,
            "version": _TEXT,
            "title": _TEXT,
            "jurisdiction": _TEXT,
            "kind": {"enum": ["law", "platform", "merchant"]},
            "effective_from": _DAY,
            "effective_until": _DAY,
        },
    }


def _exception() -> Schema:
    return {
        "type": "object",
        "required": ["re", "where", "effect"],
        "additionalProperties": False,
        "properties": {
            "re": _TEXT,
            "where": {"enum": ["match", "clause", "near", "beside", "text", "shelf", "before", "after"]},
            "effect": {"enum": ["suppress", *(verdict.value for verdict in Verdict)]},
            "reason": _TEXT,
        },
    }


def _rule() -> Schema:
    kinds: Schema = {"type": "array", "items": {"enum": list(KINDS)}}
    known: Schema = {
        "category": {"enum": [category.value for category in Category]},
        "severity": {"enum": [severity.value for severity in Severity]},
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "legal_basis": {"type": "array", "minItems": 1, "items": _LAW},
        "exceptions": {"type": "array", "items": {"oneOf": [_TEXT, _exception()]}},
        "must_hit": _EXAMPLES,
        "must_miss": _EXAMPLES,
        "slots": {"type": "array", "items": {"type": "object", "required": ["all"]}},
        "scope": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"include": kinds, "exclude": kinds, "unknown": _TEXT, "unless": _TEXT},
        },
        "ratio": {"type": "number"},
        **dict.fromkeys(("polarity", "sound", "letters"), _FLAG),
        **dict.fromkeys(("effective_from", "effective_until"), _DAY),
        **dict.fromkeys(("penalty_ref", "advice", "advice_en", "context"), _TEXT),
    }
    return {key: known.get(key, _WORDS) for key in KEYS}
