"""Which utterances are looked at closely: the best hundred of each way, found without reading texts."""

from sqlalchemy import Connection

from index.concepts import ConceptTable
from index.grams import grams, pairs
from index.ranking import Query
from index.symbols import spell
from store.postings import match_postings
from store.scope import Scope

PER_WAY = 100
MAX_CONCEPT_WORDS = 400


def posting_candidates(connection: Connection, query: Query, concepts: ConceptTable, scope: Scope) -> list[int]:
    """Ids of utterances that share letters in order, sounds in order, or a concept with the query."""
    letters, sounds = query.spelled.letters, query.spelled.sounds
    asked = [
        ("letters", [" ".join(pairs(letters))] if len(letters) > 2 else []),
        ("letters", pairs(letters) or grams(letters)),
        ("sounds", [" ".join(pairs(sounds))] if len(sounds) > 2 else []),
        ("sounds", pairs(sounds) or grams(sounds)),
        ("letters", concept_grams(query, concepts)),
    ]
    found: dict[int, None] = {}
    for column, wanted in asked:
        for identifier, _ in match_postings(connection, column, wanted, PER_WAY, scope):
            found[identifier] = None
    return list(found)


def concept_grams(query: Query, concepts: ConceptTable) -> list[str]:
    """Letter runs of all words that express a concept of the query, those of its own concepts before near ones."""
    own = list(dict.fromkeys(mention.concept for mention in query.mentions))
    near = [other for name in own for other in concepts.neighbours(name)]
    runs: dict[str, None] = {}
    for name in dict.fromkeys([*own, *near]):
        for word in concepts.terms[name]:
            letters = spell(word).letters
            if len(letters) > 1:
                runs[" ".join(pairs(letters))] = None
    return list(runs)[:MAX_CONCEPT_WORDS]
